package inspect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"
)

// renewWithin is how long before its end a certificate should have been renewed.
const renewWithin = 30 * 24 * time.Hour

// CheckSystem tries a connection to a system by its base URL, and looks at its
// certificate where it has one.
func CheckSystem(ctx context.Context, r *Report, name, base string, now time.Time) {
	setting := "HUB_" + strings.ToUpper(name) + "_URL"
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" {
		r.Fail(name, "%s is no URL", setting) // which may hold a password: it is not repeated
		return
	}
	addr := Address(u)
	if u.Scheme != "https" {
		if err := Dial(ctx, addr); err != nil {
			r.Fail(name, "%s does not answer (%v): look at %s; until it answers, its messages wait", addr, err, setting)
			return
		}
		r.OK(name, "%s takes connections", addr)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	// The certificate is verified below, so that one that has ended can be told of.
	d := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true}} //nolint:gosec // nothing is sent
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		r.Fail(name, "%s does not answer with TLS (%v): look at %s; until it answers, its messages wait", addr, err, setting)
		return
	}
	defer conn.Close()
	judgeCertificate(r, name, addr, u.Hostname(), conn.(*tls.Conn).ConnectionState().PeerCertificates, now)
}

// judgeCertificate holds a system's certificate against the roots that this
// machine trusts.
func judgeCertificate(r *Report, name, addr, host string, chain []*x509.Certificate, now time.Time) {
	if len(chain) == 0 {
		r.Fail(name, "%s shows no certificate: the hub does not call it", addr)
		return
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Intermediates: between, CurrentTime: now})
	until := chain[0].NotAfter.UTC()
	var invalid x509.CertificateInvalidError
	switch left := until.Sub(now); {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		r.Fail(name, "the certificate of %s is not valid now (from %s to %s): its owner must renew it, and the clock here must be right",
			addr, chain[0].NotBefore.UTC().Format(time.RFC3339), until.Format(time.RFC3339))
	case err != nil:
		r.Fail(name, "the certificate of %s is not trusted (%v): look at its name and at the roots of this machine", addr, err)
	case left < renewWithin:
		r.Warn(name, "the certificate of %s ends in %.0f days, at %s: ask its owner to renew it", addr, left.Hours()/24, until.Format(time.RFC3339))
	default:
		r.OK(name, "%s takes connections, and its certificate is valid until %s", addr, until.Format(time.RFC3339))
	}
}

// Address is the host and port of a base URL.
func Address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
