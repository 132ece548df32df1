package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kandashub/cmd/verify/broker"
	"kandashub/cmd/verify/load"
	"kandashub/cmd/verify/proxy"
	"kandashub/mocks"
)

// kafkaRefuses is a fault of Kafka's: it does not allow some requests.
func kafkaRefuses(name string, f broker.Fault, alerts ...string) trial {
	switch {
	case f.Error != "":
	case f.Group != "":
		f.Error = "GROUP_AUTHORIZATION_FAILED"
	default:
		f.Error = "TOPIC_AUTHORIZATION_FAILED"
	}
	var handle *broker.Handle
	return trial{fault: name, alerts: alerts, on: embedded,
		strike: func(ctx context.Context, w *watch) (err error) {
			handle, err = w.world.BrokerFault(ctx, f)
			return err
		},
		heal: func(ctx context.Context, _ *watch) error {
			_, err := handle.Remove(ctx)
			return err
		}}
}

// refusedLetters makes letters that cannot be written.
func refusedLetters() trial {
	t := kafkaRefuses("letters cannot be written", broker.Fault{Keys: []string{"Produce"}, Topic: "notify-egov.dead"}, "HubDLQPublishFailing")
	const letters = 2
	t.strike = both(t.strike, faulty("egov", mocks.Fault{Status: http.StatusUnprocessableEntity, Times: letters}))
	t.heal = both(t.heal, decide("notify-egov", "replay", letters))
	return t
}

// unpublished makes replies that cannot be written. Hubs give up a write after 5 s, all of
// a partition together: only many applications, one after another, fail all the time.
func unpublished() trial {
	t := kafkaRefuses("replies cannot be written", broker.Fault{Keys: []string{"Produce"}, Topic: "migration.accepted"}, "HubPublishFailing", "HubAttemptStuck")
	t.strike = both(t.strike, sends(load.Plan{Run: "unpublished", Fresh: true, Notices: 200, Applications: 200, Channels: []string{"migration"}, Seed: 3}, 20))
	return t
}

// strangers bring messages with a token that is not theirs.
func strangers() trial {
	begin, end := background(func(ctx context.Context, w *watch) {
		_ = until(ctx, 100*time.Millisecond, func() bool { // it ends with ctx
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.world.Door()+"/v1/topics/migration.applications/events", strings.NewReader("{}"))
			if err != nil {
				return false
			}
			req.Header.Set("Authorization", "Bearer not-the-token-of-anybody")
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
			return false
		})
	})
	return trial{fault: "a sender has a wrong token", alerts: []string{"HubIntakeRefusing"}, strike: begin, heal: end}
}

// flapping has a system come and go.
func flapping(system string) trial {
	begin, end := background(func(ctx context.Context, w *watch) {
		p, away := w.world.SystemProxy(system), false
		_ = until(ctx, 1500*time.Millisecond, func() bool { // it ends with ctx
			away = !away
			_ = p.Set(proxy.Toxic{Refuse: away}) // the alert is what shows
			return false
		})
	})
	return trial{fault: system + " comes and goes", alerts: []string{"HubBreakerFlapping"}, strike: begin, heal: both(end, accept(system))}
}

// certificate has a hub call a system by https, with a certificate that ends soon:
// three days are an hour and a fifth here. The hub is started again for it before
// anything else strikes: what it had counted and nobody had read would be gone.
func certificate(system string) trial {
	var server *http.Server
	return trial{fault: "the certificate of " + system + " ends within the hour", alerts: []string{"HubCertificateExpiringSoon", "HubCertificateExpiresNow"},
		before: func(ctx context.Context, w *watch) error {
			pair, path, err := shortCertificate(w.dir, time.Hour)
			if err != nil {
				return err
			}
			upstream, err := url.Parse(w.world.SystemURL(system))
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			server = &http.Server{Handler: httputil.NewSingleHostReverseProxy(upstream), ReadHeaderTimeout: time.Second}
			go func() { _ = server.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}})) }() // it is closed at the end
			return restart(0, "HUB_"+strings.ToUpper(system)+"_URL=https://"+l.Addr().String(), "SSL_CERT_FILE="+path)(ctx, w)
		},
		strike: nothing, heal: both(restart(0), func(context.Context, *watch) error { return server.Close() }),
	}
}

// shortCertificate makes a certificate of this machine, signed by itself, and the file
// by which a program trusts it.
func shortCertificate(dir string, life time.Duration) (pair tls.Certificate, path string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair, "", err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return pair, "", err
	}
	path = filepath.Join(dir, "system.pem")
	err = os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path, err
}

// redisSet changes a setting of a real Redis while it runs.
func redisSet(name, value string) step {
	return func(ctx context.Context, w *watch) error {
		_, err := w.world.RedisCommand(ctx, "CONFIG", "SET", name, value)
		return err
	}
}

// redisNearlyFull lets Redis have a little more memory than it uses.
func redisNearlyFull(ctx context.Context, w *watch) error {
	said, err := w.world.RedisCommand(ctx, "INFO", "memory")
	if err != nil {
		return err
	}
	for line := range strings.Lines(fmt.Sprint(said)) {
		if used, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			n, err := strconv.Atoi(used)
			if err != nil {
				return err
			}
			return redisSet("maxmemory", strconv.Itoa(n*100/85))(ctx, w)
		}
	}
	return fmt.Errorf("redis does not say how much memory it uses")
}
