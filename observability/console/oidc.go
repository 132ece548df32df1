package console

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// OIDC is an OpenID Connect provider, and what the console is called there.
type OIDC struct {
	Issuer      string // URL
	Client      string
	Secret      string
	Redirect    string // URL of the console's /callback, as browsers reach it
	NameClaim   string // of the ID token: who somebody is in hub.audit
	GroupsClaim string // of the ID token: a list of groups, or one

	HTTP *http.Client // nil: one with a bound of time

	provider atomic.Pointer[oidc.Provider] // nil until it has answered
	asking   singleflight.Group
}

// loginTime is how long somebody may take to log in.
const loginTime = 10 * time.Minute

// providerTime bounds one question to the provider.
const providerTime = 10 * time.Second

func (o *OIDC) client(ctx context.Context) context.Context {
	h := o.HTTP
	if h == nil {
		h = &http.Client{Timeout: providerTime}
	}
	return oidc.ClientContext(ctx, h)
}

// connect returns the provider and what it offers. It is asked until it has
// answered once: one that is away keeps nobody from starting the hub. All who log
// in meanwhile wait for the same question, which ends by itself, and each of them
// no longer than their own ctx.
func (o *OIDC) connect(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	p := o.provider.Load()
	if p == nil {
		answer := o.asking.DoChan("", func() (any, error) {
			ctx, cancel := context.WithTimeout(context.Background(), providerTime) // it is nobody's own question
			defer cancel()
			p, err := oidc.NewProvider(o.client(ctx), o.Issuer)
			if err == nil {
				o.provider.Store(p)
			}
			return p, err
		})
		select {
		case a := <-answer:
			if a.Err != nil {
				return nil, nil, fmt.Errorf("the identity provider does not answer: %w", a.Err)
			}
			p = a.Val.(*oidc.Provider)
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	return p, &oauth2.Config{
		ClientID: o.Client, ClientSecret: o.Secret, RedirectURL: o.Redirect, Endpoint: p.Endpoint(),
		Scopes: []string{oidc.ScopeOpenID, "profile"},
	}, nil
}

// loginOIDC sends the browser to the provider. What has to come back with it is
// in a cookie of this browser alone.
func (v *visit) loginOIDC() error {
	o := v.cfg.Login.OIDC
	if o == nil {
		return errNotFound
	}
	_, config, err := o.connect(v.r.Context())
	if err != nil {
		return err
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	// Lax, for the provider sends the browser back.
	v.setCookie(v.w, v.r, loginCookie, state+"."+nonce+"."+verifier, http.SameSiteLaxMode, loginTime)
	http.Redirect(v.w, v.r, config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusFound)
	return nil
}

// callback begins a session for whom the provider names.
func (v *visit) callback() error {
	o := v.cfg.Login.OIDC
	if o == nil {
		return errNotFound
	}
	cookie, err := v.r.Cookie(loginCookie)
	if err != nil {
		return errForbidden
	}
	v.setCookie(v.w, v.r, loginCookie, "", http.SameSiteLaxMode, -time.Second)
	parts := strings.SplitN(cookie.Value, ".", 3)
	if len(parts) != 3 || subtle.ConstantTimeCompare([]byte(parts[0]), []byte(v.r.URL.Query().Get("state"))) != 1 {
		return errForbidden
	}
	u, err := o.identify(v.r.Context(), v.cfg.Login.Roles, v.r.URL.Query().Get("code"), parts[1], parts[2])
	if err != nil {
		v.cfg.Log.Warn("a login failed", "error", err.Error())
		if f := new(failure); errors.As(err, &f) {
			return f
		}
		return errForbidden // what the provider says may quote the token
	}
	v.welcome(v.w, v.r, u)
	// Not a redirect: the browser would count it as coming from the provider and
	// hold back our strict cookie.
	return v.show(http.StatusOK, "welcome", nil)
}

// identify returns whom a code stands for.
func (o *OIDC) identify(ctx context.Context, roles Roles, code, nonce, verifier string) (User, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*providerTime)
	defer cancel()
	provider, config, err := o.connect(ctx)
	if err != nil {
		return User{}, err
	}
	token, err := config.Exchange(o.client(ctx), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return User{}, errors.New("the identity provider does not take the code")
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: o.Client}).Verify(o.client(ctx), raw)
	if err != nil {
		return User{}, errors.New("the ID token is not valid")
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return User{}, errors.New("the ID token is another login's")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return User{}, errors.New("the ID token's claims cannot be read")
	}
	role := roles.of(texts(claims[o.GroupsClaim]))
	if role == Nobody {
		return User{}, errors.New("the user has no group with a role")
	}
	said, _ := claims[o.NameClaim].(string)
	name, err := userName(said, o.NameClaim+" (HUB_CONSOLE_OIDC_NAME)")
	if errors.Is(err, errUnknown) {
		return User{}, errors.New("the user has no name that can be kept")
	}
	if err != nil {
		return User{}, err
	}
	return User{Name: name, Role: role}, nil
}

// texts are the strings of a claim: a list or one.
func texts(claim any) (out []string) {
	switch c := claim.(type) {
	case string:
		return []string{c}
	case []any:
		for _, e := range c {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
