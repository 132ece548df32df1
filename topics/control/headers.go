package control

import (
	"fmt"
	"strings"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/contract"
)

// A Header is a header of a letter as a person may see it.
type Header struct{ Name, Value string }

// Headers returns the headers of a letter that a person may see, in their order.
// Of those that are neither the contract's nor ours, and of all that the sender
// gave to a letter that holds nothing, only the size is told: they may hold
// anything.
func Headers(l topics.Letter) []Header {
	out := make([]Header, 0, len(l.Record.Headers))
	for _, h := range l.Record.Headers {
		trusted := l.Holds && !(unchecked(l.Code) && (h.Key == "ce_type" || h.Key == "ce_source"))
		out = append(out, seen(h.Key, string(h.Value), trusted))
	}
	return out
}

// unchecked says whether a letter has a code that a message gets before its type
// and its source are known to be the contract's: they may be anything, too.
func unchecked(code string) bool {
	switch code {
	case contract.WrongSource, contract.UnknownType, "too_large", "internal", "panic":
		return true
	}
	return false
}

// seen returns one header as a person may see it; trusted says that its letter's
// message could be read.
func seen(name, value string, trusted bool) Header {
	switch {
	case name == "hub_letter":
		return Header{name, observability.MaskID(value)}
	case strings.HasPrefix(name, "hub_"): // what a sender gives under such names is not taken over
		return Header{name, observability.Mask(value)}
	case !isContracts(name):
		return Header{observability.Mask(name), size(value)}
	case !trusted || !plain(name, value):
		return Header{name, size(value)}
	}
	return Header{name, observability.MaskID(value)}
}

func size(value string) string { return fmt.Sprintf("[%d bytes]", len(value)) }

// isContracts says whether the contract has a header of this name.
func isContracts(name string) bool {
	switch name {
	case "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_roottime", "ce_datacontenttype", "traceparent", "content-type":
		return true
	}
	return false
}

// plain says whether the value of a header of the contract that reading a message
// does not look at has its form.
func plain(name, value string) bool {
	switch name {
	case "traceparent":
		_, err := observability.ParseTrace(value)
		return err == nil && len(value) == 55
	case "content-type", "ce_datacontenttype":
		kind, charset, _ := strings.Cut(value, ";")
		charset = strings.ToLower(strings.TrimSpace(charset))
		return strings.TrimSpace(kind) == "application/json" && (charset == "" || charset == "charset=utf-8")
	}
	return true
}
