package main

import (
	"strings"
	"testing"
)

// Where Kafka is not, every command says so once, with the setting to look at; a name
// that nobody knows is not waited for.
func TestNoBrokerAnswers(t *testing.T) {
	for _, command := range []string{"route list", "breaker list", "lag", "dead list", "audit list", "topics check", "claims status"} {
		code, _, errs := hubctl(t, append(strings.Fields(command), "--kafka", "no such host:9092")...)
		if code != exitFailed || strings.Count(errs, "no such host") < 1 || !strings.Contains(errs, "look at HUB_KAFKA (--kafka)") || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: %d, %q", command, code, errs)
		}
	}
	for _, c := range []struct {
		brokers []string
		unknown bool
	}{{[]string{"no such host:9092", "nor this"}, true}, {[]string{"no such host:9092", "127.0.0.1:9092"}, false}} {
		if got := unknownHosts(t.Context(), c.brokers); got != c.unknown {
			t.Errorf("none of %q is known: %t", c.brokers, got)
		}
	}
	if code, _, errs := hubctl(t, "route", "list", "--kafka", "127.0.0.1:1", "--timeout", "300ms"); code != exitFailed || !strings.Contains(errs, "no broker answers at 127.0.0.1:1") {
		t.Errorf("%d, %q", code, errs)
	}
}
