package shep

import (
	"context"
	"net/http"

	"github.com/beevik/etree"

	"kandashub/adapters"
	"kandashub/topics"
)

// call posts an envelope and returns the response element of its answer.
func (c *Client) call(ctx context.Context, operation, wrapper string, body []byte) (*etree.Element, error) {
	answer, err := c.post(ctx, operation, body)
	return response(answer, err, wrapper)
}

// ask is call where some texts of the response are all that counts. An absent
// one is empty. What the quick reader does not know, the thorough one reads.
func (c *Client) ask(ctx context.Context, operation, wrapper string, body []byte, names ...string) ([]string, error) {
	answer, err := c.post(ctx, operation, body)
	if err == nil {
		if texts, ok := quick(answer.Body, wrapper+"Response", names); ok {
			return texts, nil
		}
	}
	e, err := response(answer, err, wrapper)
	if err != nil {
		return nil, err
	}
	var r reader
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = r.text(e, name)
	}
	if r.err != nil {
		return nil, unreadable(r.err)
	}
	return texts, nil
}

func (c *Client) post(ctx context.Context, operation string, body []byte) (adapters.Response, error) {
	return c.http.Do(ctx, adapters.Request{
		Operation:   operation,
		Method:      http.MethodPost,
		Path:        c.path,
		ContentType: "text/xml; charset=utf-8",
		Header:      c.header,
		Body:        body,
	})
}

// response returns the response element of an answer.
func response(answer adapters.Response, err error, wrapper string) (*etree.Element, error) {
	// A fault travels in a 500 (SOAP 1.1) or 400 (SOAP 1.2), at some services
	// in a 200, and says more than the status. Other statuses keep their class.
	if err != nil && answer.Status != http.StatusInternalServerError && answer.Status != http.StatusBadRequest {
		return nil, err
	}
	inner, bad := open(answer.Body)
	if bad != nil {
		if err != nil {
			return nil, err
		}
		return nil, unreadable(bad)
	}
	if inner.Tag == "Fault" {
		return nil, failure(readFault(inner))
	}
	if err != nil {
		return nil, err
	}
	var r reader
	e := r.child(inner, "response")
	if r.err != nil || inner.Tag != wrapper+"Response" || e == nil {
		return nil, topics.Fail(topics.Uncertain, "unreadable", "the answer is no %sResponse", wrapper)
	}
	return e, nil
}

func unreadable(err error) error {
	return topics.Fail(topics.Uncertain, "unreadable", "answer: %w", err)
}

// failure sorts a fault.
func failure(f *Fault) *topics.Failure {
	out := &topics.Failure{Class: topics.Uncertain, Code: "soap_server", Err: f}
	switch f.Side {
	case "Client", "Sender":
		out.Class, out.Code = topics.Rejected, "soap_client"
		if f.Code == CodeAuth {
			out.Class, out.Code, out.Pause = topics.Unavailable, "soap_auth", "auth"
		}
	// WS-Security's own codes (SOAP Message Security 1.0, 12).
	case "FailedAuthentication", "FailedCheck", "InvalidSecurity", "InvalidSecurityToken",
		"SecurityTokenUnavailable", "UnsupportedSecurityToken", "UnsupportedAlgorithm":
		out.Class, out.Code, out.Pause = topics.Unavailable, "soap_auth", "auth"
	case "VersionMismatch", "MustUnderstand", "DataEncodingUnknown":
		out.Class, out.Code, out.Pause = topics.Unavailable, "soap_target", "target"
	}
	return out
}
