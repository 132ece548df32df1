package console_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kandashub/observability/console"
)

// A provider is an OpenID Connect provider that gives out what the test says.
type provider struct {
	*httptest.Server
	t         *testing.T
	key       *rsa.PrivateKey
	signer    *rsa.PrivateKey // another one: its tokens are not valid
	challenge string          // of the login under way
	claims    map[string]any
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key, signer: key}
	mux := http.NewServeMux()
	answer := func(path string, v func(*http.Request) any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v(r))
		})
	}
	answer("/.well-known/openid-configuration", func(*http.Request) any {
		return map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"}}
	})
	answer("/keys", func(*http.Request) any {
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &p.key.PublicKey, KeyID: "k1", Algorithm: "RS256", Use: "sig"}}}
	})
	answer("/token", func(r *http.Request) any {
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != p.challenge || r.PostFormValue("code") != "good" {
			return map[string]any{"error": "invalid_grant"}
		}
		return map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": p.token()}
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// token signs the claims.
func (p *provider) token() string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.signer, KeyID: "k1"}}, nil)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	b, err := json.Marshal(p.claims)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	signed, err := signer.Sign(b)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		p.t.Error(err)
	}
	return out
}

// A name that the audit must not keep is refused at the login, which says from
// which claim it came and what to do, and not at the first action.
func TestOIDCNameThatIsPersonal(t *testing.T) {
	op := newProvider(t)
	roles, err := console.ParseRoles([]string{"hub-ops=operator"})
	if err != nil {
		t.Fatal(err)
	}
	oidc := &console.OIDC{Issuer: op.URL, Client: "hub", NameClaim: "email", GroupsClaim: "groups"}
	w := newWorld(t, func(c *console.Config) { c.Login = console.Login{OIDC: oidc, Roles: roles} })
	oidc.Redirect = w.server.URL + "/callback"
	login := func(name string, groups ...string) (p *person, status int, page string) {
		p = w.enters("")
		_, location, _ := p.do(http.MethodGet, "/login/oidc", nil)
		to, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		op.challenge = to.Query().Get("code_challenge")
		op.claims = map[string]any{"iss": op.URL, "aud": "hub", "sub": "1", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
			"nonce": to.Query().Get("nonce"), "email": name, "groups": groups}
		q := url.Values{"state": {to.Query().Get("state")}, "code": {"good"}}
		status, _, page = p.do(http.MethodGet, "/callback?"+q.Encode(), nil)
		return p, status, page
	}
	for _, name := range []string{"aida@example.kz", "990101200017", "+7 701 123 45 67"} {
		p, status, page := login(name, "hub-ops")
		if status != http.StatusForbidden || !strings.Contains(page, "email (HUB_CONSOLE_OIDC_NAME)") || strings.Contains(page, name) {
			t.Errorf("%d\n%s", status, main(page))
		}
		if status, location, _ := p.do(http.MethodGet, "/", nil); status != http.StatusSeeOther || location != "/login" {
			t.Errorf("who was refused is logged in: %d, %s", status, location)
		}
		if _, status, page := login(name, "others"); status != http.StatusForbidden || strings.Contains(page, "HUB_CONSOLE") {
			t.Errorf("who may nothing is told how names come: %d\n%s", status, main(page))
		}
	}
	p, status, page := login("aida", "hub-ops")
	if status != http.StatusOK {
		t.Fatalf("%d\n%s", status, main(page))
	}
	if status, _, page := p.post("/routes/register/pause", order("minutes", "60")); status != http.StatusSeeOther {
		t.Errorf("whose name was taken may not act: %d\n%s", status, main(page))
	}
}

// Who the provider names has the role of their groups; who comes with anything
// else is nobody.
func TestOIDC(t *testing.T) {
	op := newProvider(t)
	roles, err := console.ParseRoles([]string{"hub-ops=operator"})
	if err != nil {
		t.Fatal(err)
	}
	oidc := &console.OIDC{Issuer: op.URL, Client: "hub", Secret: "s", NameClaim: "preferred_username", GroupsClaim: "groups"}
	w := newWorld(t, func(c *console.Config) { c.Login = console.Login{OIDC: oidc, Roles: roles} })
	oidc.Redirect = w.server.URL + "/callback"
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change map[string]any // of the claims
		query  func(url.Values)
		signer *rsa.PrivateKey
		want   int
	}{
		"an operator":            {want: http.StatusOK},
		"one group as text":      {change: map[string]any{"groups": "hub-ops"}, want: http.StatusOK},
		"no group with a role":   {change: map[string]any{"groups": []string{"others"}}, want: http.StatusForbidden},
		"no groups":              {change: map[string]any{"groups": nil}, want: http.StatusForbidden},
		"no name":                {change: map[string]any{"preferred_username": ""}, want: http.StatusForbidden},
		"another login's token":  {change: map[string]any{"nonce": "other"}, want: http.StatusForbidden},
		"another client's token": {change: map[string]any{"aud": "other"}, want: http.StatusForbidden},
		"an old token":           {change: map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}, want: http.StatusForbidden},
		"another issuer":         {change: map[string]any{"iss": "https://attacker.example"}, want: http.StatusForbidden},
		"another key":            {signer: stranger, want: http.StatusForbidden},
		"another state":          {query: func(q url.Values) { q.Set("state", "other") }, want: http.StatusForbidden},
		"another code":           {query: func(q url.Values) { q.Set("code", "bad") }, want: http.StatusForbidden},
	} {
		p := w.enters("")
		status, location, _ := p.do(http.MethodGet, "/login/oidc", nil)
		to, err := url.Parse(location)
		if status != http.StatusFound || err != nil || !strings.HasPrefix(location, op.URL+"/auth?") || to.Query().Get("code_challenge_method") != "S256" {
			t.Fatalf("%s: %d, %s", name, status, location)
		}
		op.challenge, op.signer = to.Query().Get("code_challenge"), op.key
		if c.signer != nil {
			op.signer = c.signer
		}
		op.claims = map[string]any{"iss": op.URL, "aud": "hub", "sub": "1", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
			"nonce": to.Query().Get("nonce"), "preferred_username": "aida", "groups": []string{"others", "hub-ops"}}
		maps.Copy(op.claims, c.change)
		q := url.Values{"state": {to.Query().Get("state")}, "code": {"good"}}
		if c.query != nil {
			c.query(q)
		}
		if status, _, page := p.do(http.MethodGet, "/callback?"+q.Encode(), nil); status != c.want {
			t.Errorf("%s: %d, want %d\n%s", name, status, c.want, page)
		}
		want := http.StatusSeeOther
		if c.want == http.StatusOK {
			want = http.StatusOK
			if page := p.get("/"); !strings.Contains(page, "aida") {
				t.Errorf("%s: the page does not name the user", name)
			}
		}
		if status, _, _ := p.do(http.MethodGet, "/", nil); status != want {
			t.Errorf("%s: %d after the login", name, status)
		}
		if status, _, _ := p.do(http.MethodGet, "/callback?"+q.Encode(), nil); status != http.StatusForbidden {
			t.Errorf("%s: the answer is taken twice: %d", name, status)
		}
	}
	op.Close()
	other := &console.OIDC{Issuer: op.URL, Client: "hub", Redirect: w.server.URL + "/callback"}
	w = newWorld(t, func(c *console.Config) { c.Login = console.Login{OIDC: other, Roles: roles} })
	if status, _, _ := w.enters("").do(http.MethodGet, "/login/oidc", nil); status != http.StatusBadGateway {
		t.Errorf("a provider that is away: %d", status)
	}
}
