package shep

import (
	"bytes"
	"unicode/utf8"
)

// Limits of what the quick reader (quick.go) takes: smaller than those of Parse, so that
// it needs to count no tokens.
const (
	quickBytes = 64 << 10
	quickDepth = 16 // a signature goes down to 10
	quickAttrs = 8
)

// Kinds of tokens. A strange one ends the reading.
const (
	strange = iota
	startTag
	endTag
	text
	end
)

// A scanner cuts plain XML into tags and texts: ASCII names, no comment, no
// CDATA, no directive, no processing instruction beside the usual declaration,
// references only to characters that XML may hold, in texts only. It accepts
// nothing that encoding/xml would not.
type scanner struct {
	rest    []byte
	names   [quickDepth][]byte // of the open elements, with their prefixes
	depth   int                // how many are open
	rooted  bool               // the root has been seen
	closing bool               // the start tag before was its end tag too
}

// load begins with doc and says whether its characters are those of plain XML.
func (s *scanner) load(doc []byte) bool {
	doc = bytes.TrimPrefix(doc, []byte("\uFEFF"))
	if len(doc) > quickBytes || !utf8.Valid(doc) || bytes.Contains(doc, []byte("\uFFFE")) || bytes.Contains(doc, []byte("\uFFFF")) {
		return false
	}
	for _, c := range doc {
		if c < ' ' && !isSpace(c) {
			return false
		}
	}
	for _, usual := range [...]string{`<?xml version="1.0" encoding="UTF-8"?>`, `<?xml version="1.0" encoding="utf-8"?>`, `<?xml version='1.0' encoding='UTF-8'?>`, `<?xml version="1.0"?>`} {
		if rest, ok := bytes.CutPrefix(doc, []byte(usual)); ok {
			doc = rest
			break
		}
	}
	s.rest = doc
	return true
}

// next returns the next token: the local name of a start tag, or a text as it
// stands, references and all.
func (s *scanner) next() (kind int, b []byte) {
	switch {
	case s.closing:
		s.closing = false
		s.depth--
		return endTag, nil
	case len(s.rest) == 0 && s.depth == 0:
		return end, nil
	case len(s.rest) == 0:
		return strange, nil
	case s.rest[0] != '<':
		return s.text()
	case bytes.HasPrefix(s.rest, []byte("</")):
		return s.end()
	}
	return s.start()
}

func (s *scanner) text() (int, []byte) {
	n := bytes.IndexByte(s.rest, '<')
	if n < 0 {
		n = len(s.rest)
	}
	b := s.rest[:n]
	s.rest = s.rest[n:]
	if s.depth == 0 && len(skipSpace(b)) > 0 || bytes.Contains(b, []byte("]]>")) || !references(b) {
		return strange, nil
	}
	return text, b
}

func (s *scanner) end() (int, []byte) {
	if s.depth == 0 {
		return strange, nil
	}
	rest, ok := bytes.CutPrefix(s.rest[2:], s.names[s.depth-1])
	if rest = skipSpace(rest); !ok || len(rest) == 0 || rest[0] != '>' {
		return strange, nil
	}
	s.rest = rest[1:]
	s.depth--
	return endTag, nil
}

func (s *scanner) start() (int, []byte) {
	name, local, b := cutName(s.rest[1:])
	if name == nil || s.depth == len(s.names) || s.depth == 0 && s.rooted {
		return strange, nil
	}
	if b = s.attributes(b); b == nil {
		return strange, nil
	}
	if s.closing = b[0] == '/'; s.closing {
		b = b[1:]
	}
	s.rest, s.rooted = b[1:], true
	s.names[s.depth] = name
	s.depth++
	return startTag, local
}

// attributes passes over a start tag's attributes and returns what begins with
// > or />, nil where it is none.
func (s *scanner) attributes(b []byte) []byte {
	var names [quickAttrs][]byte
	for n := 0; ; n++ {
		rest := skipSpace(b)
		if bytes.HasPrefix(rest, []byte(">")) || bytes.HasPrefix(rest, []byte("/>")) {
			return rest
		}
		name, _, value := cutName(rest)
		if name == nil || len(rest) == len(b) || n == len(names) || len(value) < 3 || value[0] != '=' || value[1] != '"' && value[1] != '\'' {
			return nil
		}
		length := bytes.IndexByte(value[2:], value[1])
		if length < 0 || bytes.ContainsAny(value[2:2+length], "<&") {
			return nil
		}
		for _, have := range names[:n] {
			if bytes.Equal(have, name) {
				return nil
			}
		}
		names[n], b = name, value[2+length+1:]
	}
}

// cutName cuts a name off, nil where it is none in ASCII with at most a prefix.
func cutName(b []byte) (name, local, rest []byte) {
	begin := 0 // of the local part
	for n, c := range b {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', c == '_':
		case n > begin && ('0' <= c && c <= '9' || c == '-' || c == '.'):
		case n > 0 && begin == 0 && c == ':':
			begin = n + 1
		case n == begin || c == ':' || c >= utf8.RuneSelf:
			return nil, nil, nil
		default:
			return b[:n], b[begin:n], b[n:]
		}
	}
	return nil, nil, nil
}

// references says whether every & in a text begins a reference to a character
// that XML may hold, those that texts of ours and of signatures have.
func references(b []byte) bool {
	for {
		n := bytes.IndexByte(b, '&')
		if n < 0 {
			return true
		}
		b = b[n+1:]
		if n = bytes.IndexByte(b, ';'); n < 0 {
			return false
		}
		switch string(b[:n]) {
		case "amp", "lt", "gt", "quot", "apos", "#10", "#13", "#xA", "#xD", "#xa", "#xd":
		default:
			return false
		}
	}
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
