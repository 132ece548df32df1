package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"kandashub/topics/schemas"
)

// decode reads one JSON value strictly: UTF-8, nothing behind it, no name twice
// in one object (of two readers each could take another one), bounded depth,
// numbers as they are written.
func decode(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("the payload is not UTF-8")
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(data))
	v, err := decodeValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("something follows the payload")
	}
	return v, nil
}

var errNotJSON = errors.New("the payload is not JSON")

func decodeValue(d *jsontext.Decoder) (any, error) {
	if d.StackDepth() > schemas.MaxDepth {
		return nil, errors.New("the payload is nested too deep")
	}
	token, err := d.ReadToken()
	if err != nil {
		return nil, notJSON(err)
	}
	switch token.Kind() {
	case '{':
		return decodeObject(d)
	case '[':
		return decodeArray(d)
	case '"':
		return token.String(), nil
	case '0':
		return json.Number(token.String()), nil
	case 'n':
		return nil, nil
	default:
		return token.Bool(), nil
	}
}

func decodeObject(d *jsontext.Decoder) (any, error) {
	object := make(map[string]any)
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return nil, notJSON(err)
		}
		name := token.String()
		if object[name], err = decodeValue(d); err != nil {
			return nil, err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(err)
	}
	return object, nil
}

func decodeArray(d *jsontext.Decoder) (any, error) {
	array := []any{}
	for d.PeekKind() != ']' {
		v, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(err)
	}
	return array, nil
}

// notJSON keeps the decoder's own text back: it may quote the payload.
func notJSON(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errors.New("the payload has a name twice in one object")
	}
	return errNotJSON
}
