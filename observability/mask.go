package observability

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode"
)

// Kinds of what the log filter takes out.
const (
	kindIIN   = "iin"
	kindPhone = "phone"
	kindEmail = "email"
	kindField = "field"
)

// hidden stands in for the value of an attribute that is not allowed in logs.
const hidden = "[hidden]"

// An IIN is an individual identification number that never shows its digits.
// The hub's log shows it as a token that joins one person's lines.
type IIN string

// A Name is a part of a person's name. It never shows.
type Name string

// A DocumentNo is the number of a person's document. It never shows.
type DocumentNo string

// Each type covers every way in which a value becomes text: slog, fmt with any
// verb, and encoders.

func (IIN) String() string        { return "[iin]" }
func (Name) String() string       { return "[name]" }
func (DocumentNo) String() string { return "[document]" }

// Format implements fmt.Formatter.
func (v IIN) Format(f fmt.State, _ rune) { fmt.Fprint(f, v.String()) }

// Format implements fmt.Formatter.
func (v Name) Format(f fmt.State, _ rune) { fmt.Fprint(f, v.String()) }

// Format implements fmt.Formatter.
func (v DocumentNo) Format(f fmt.State, _ rune) { fmt.Fprint(f, v.String()) }

// MarshalText implements encoding.TextMarshaler.
func (v IIN) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (v Name) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (v DocumentNo) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// LogValue implements slog.LogValuer.
func (v IIN) LogValue() slog.Value { return slog.StringValue(v.String()) }

// LogValue implements slog.LogValuer.
func (v Name) LogValue() slog.Value { return slog.StringValue(v.String()) }

// LogValue implements slog.LogValuer.
func (v DocumentNo) LogValue() slog.Value { return slog.StringValue(v.String()) }

// token returns a form of the IIN that is the same for one person as long as
// the key is, and cannot be turned back without the key. All IINs of a century
// are some 6e8 values: a hash without a key is reversed in minutes. h1 names
// the way the token is made.
func (v IIN) token(key []byte) string {
	if len(key) == 0 {
		return v.String()
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(v))
	return "iin:h1:" + hex.EncodeToString(mac.Sum(nil)[:8])
}

// The patterns of the second net. A run of exactly twelve digits is an IIN or a
// BIN; a longer one may hold one.
var (
	digitRun = regexp.MustCompile(`\p{Nd}{12,}`)
	phone    = regexp.MustCompile(`\+\p{Nd}(?:[ \-()]{0,2}\p{Nd}){9,14}|\b[78][ \-]?\(?7\p{Nd}{2}\)?(?:[ \-]?\p{Nd}){7}\b`)
	email    = regexp.MustCompile(`[^\s@<>"'=,;:()]+@[^\s@<>"'=,;:()]+\.[^\s@<>"'=,;:()]+`)
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	hexForm  = regexp.MustCompile(`^(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64})$`)
	idForm   = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,100}$`)
	asciiRun = regexp.MustCompile(`[0-9]+`)
)

// Mask returns s without what the patterns take for an IIN, a phone number or
// an e-mail address. It is for texts that leave the process by other roads than
// the log, such as the reason of a dead letter.
func Mask(s string) string { return scrub(s, func(string) {}) }

// MaskID is Mask for an id, which may hold long runs of digits by chance: only a
// run of exactly twelve that is no part of a hash is taken for an IIN.
func MaskID(s string) string { return scrubID(s, func(string) {}) }

// scrub takes IINs, phone numbers and e-mail addresses out of s and tells found
// the kind of each.
func scrub(s string, found func(kind string)) string {
	if !suspicious(s) {
		return s
	}
	take := func(re *regexp.Regexp, kind, mark string) {
		s = re.ReplaceAllStringFunc(s, func(string) string {
			found(kind)
			return mark
		})
	}
	take(email, kindEmail, "[email]")
	take(phone, kindPhone, "[phone]")
	take(digitRun, kindIIN, "[iin]")
	return s
}

// scrubID is scrub for attributes that hold an id. Ids may hold long runs of
// digits by chance or by date, so only a run of exactly twelve is taken for an
// IIN, and a part that is a hash is left alone.
func scrubID(s string, found func(kind string)) string {
	if plainID(s) || uuidForm.MatchString(s) {
		return s
	}
	if !idForm.MatchString(s) {
		return scrub(s, found)
	}
	parts := strings.Split(s, ".")
	for i, part := range parts {
		if hexForm.MatchString(part) {
			continue
		}
		parts[i] = asciiRun.ReplaceAllStringFunc(part, func(run string) string {
			if len(run) != 12 {
				return run
			}
			found(kindIIN)
			return "[iin]"
		})
	}
	return strings.Join(parts, ".")
}

// plainID reports whether s looks like an id and has no run of twelve digits:
// most ids, which need no pattern.
func plainID(s string) bool {
	digits := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if digits++; digits >= 12 {
				return false
			}
			continue
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '.', c == '_', c == ':':
			digits = 0
		default:
			return false
		}
	}
	return len(s) <= 100
}

// suspicious spares most texts the patterns: each of them needs an @ or ten
// digits.
func suspicious(s string) bool {
	digits := 0
	for _, r := range s {
		if r == '@' {
			return true
		}
		if unicode.IsDigit(r) {
			if digits++; digits >= 10 {
				return true
			}
		}
	}
	return false
}
