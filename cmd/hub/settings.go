package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// redacted is what a secret shows of itself.
const redacted = "***"

// A Secret is a credential. It shows in no text: whoever needs it converts it.
type Secret string

// Format implements fmt.Formatter.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

// A Key is a secret key of 32 bytes or more. It shows in no text.
type Key []byte

// Format implements fmt.Formatter.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

func (k Key) String() string { return Secret(k).String() }

// LogValue implements slog.LogValuer.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText implements encoding.TextMarshaler.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler: hex, or base64 of any
// kind.
func (k *Key) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "" {
		return nil
	}
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString,
		base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString} {
		b, err := decode(s)
		if err != nil {
			continue
		}
		if len(b) < 32 {
			return fmt.Errorf("the key has %d bytes; it needs 32 or more", len(b))
		}
		*k = b
		return nil
	}
	return errors.New("the key is neither hex nor base64")
}

// A ByteSize is a number of bytes; as text with or without KiB, MiB or GiB.
type ByteSize int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *ByteSize) UnmarshalText(text []byte) error {
	number, unit := string(text), int64(1)
	for suffix, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if n, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = n, size
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 0 || n > 1<<43/unit {
		return fmt.Errorf("%q is no size: give a number of bytes, or one with KiB, MiB or GiB", text)
	}
	*b = ByteSize(n * unit)
	return nil
}

func (b ByteSize) String() string {
	for _, u := range []struct {
		size ByteSize
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if b >= u.size && b%u.size == 0 {
			return fmt.Sprintf("%d%s", b/u.size, u.name)
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// A Setting is one environment variable.
type Setting struct {
	Name, Default, Unit, Meaning string

	secret bool
}

// settings lists all settings, with <SYSTEM> for those that each system has.
func settings() []Setting {
	return settingsOf(plan{Systems: []string{"<SYSTEM>"}, Callers: []string{"<SYSTEM>"}})
}

// settingsOf lists all settings for the systems of a plan.
func settingsOf(p plan) []Setting {
	all := slices.Concat(settingsIn(reflect.TypeFor[Config](), ""), settingsIn(reflect.TypeFor[ConsoleConfig](), ""))
	for _, name := range p.Systems {
		all = append(all, settingsIn(reflect.TypeFor[SystemConfig](), systemSetting(name, ""))...)
	}
	for _, name := range p.Callers {
		upper := strings.ToUpper(name)
		all = append(all,
			Setting{Name: "HUB_INTAKE_" + upper + "_TOKEN", Unit: "secret", secret: true,
				Meaning: "bearer token of the system at the intake, and its SHEP sender's password, 16 characters and more; empty: it may not call the hub"},
			Setting{Name: "HUB_SHEP_SENDER_" + upper, Unit: "name",
				Meaning: "sender id under which the system calls the hub's SHEP endpoints; empty: the system's name in lower case"})
	}
	return all
}

func settingsIn(t reflect.Type, prefix string) (all []Setting) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("env")
		if name == "" || name == "-" {
			continue
		}
		all = append(all, Setting{
			Name: prefix + name, Default: f.Tag.Get("envDefault"), Unit: f.Tag.Get("unit"), Meaning: f.Tag.Get("meaning"),
			secret: f.Type == reflect.TypeFor[Secret]() || f.Type == reflect.TypeFor[Key](),
		})
	}
	return all
}

// printSettings prints all settings as the README has them, in Markdown.
func printSettings(w io.Writer, p plan) {
	fmt.Fprint(w, "| setting | default | unit | meaning |\n|---|---|---|---|\n")
	for _, s := range settings() {
		value := "–"
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", s.Name, value, s.Unit, s.Meaning)
	}
	fmt.Fprintf(w, "\n`<SYSTEM>` is one of %s; for `HUB_INTAKE_<SYSTEM>_TOKEN` and `HUB_SHEP_SENDER_<SYSTEM>`, one of %s. "+
		"A secret `HUB_X` may be given as a file, `HUB_X_FILE`.\n",
		strings.ToUpper(strings.Join(p.Systems, ", ")), strings.ToUpper(strings.Join(p.Callers, ", ")))
}

// String lists all settings as they are, one a line, secrets redacted.
func (c *Config) String() string {
	var b strings.Builder
	write := func(v reflect.Value, prefix string) {
		for i := range v.NumField() {
			if name := v.Type().Field(i).Tag.Get("env"); name != "" && name != "-" {
				fmt.Fprintf(&b, "%s%s=%s\n", prefix, name, text(v.Field(i).Interface()))
			}
		}
	}
	write(reflect.ValueOf(*c), "")
	write(reflect.ValueOf(c.Console), "")
	for _, name := range c.plan.Systems {
		write(reflect.ValueOf(c.Systems[name]), systemSetting(name, ""))
	}
	for _, name := range c.plan.Callers {
		upper := strings.ToUpper(name)
		fmt.Fprintf(&b, "HUB_INTAKE_%s_TOKEN=%s\nHUB_SHEP_SENDER_%s=%s\n", upper, c.Callers[name].Token, upper, c.Callers[name].Sender)
	}
	return b.String()
}

func text(v any) string {
	if list, ok := v.([]string); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(v)
}
