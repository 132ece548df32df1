package shep

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"kandashub/observability"
	"kandashub/topics"
)

// Paths of the served channels (kz.md 1.2, 1.3).
const (
	PathSync  = "/shep/bip-sync-wss-gost/"
	PathAsync = "/shep/bip-async"
)

// Error codes of our faults, ours too: public sources name none.
const (
	CodeAuth        = "AUTH_FAILED"           // Client: sender or password unknown
	CodeMessage     = "BAD_MESSAGE"           // Client: an envelope that does not hold what it must
	CodeOperation   = "UNSUPPORTED_OPERATION" // Client: the channel has no such operation
	CodeUnavailable = "UNAVAILABLE"           // Server: not taken over; repeat with the same messageId
)

// defaultMaxBytes is the largest request read, where Config names none. Files
// do not travel in messages.
const defaultMaxBytes = 1 << 20

// An Account is a sender's: which system it is, and its password. An account
// without a password lets nobody in.
type Account struct{ System, Password string }

// Config of a server.
type Config struct {
	// Senders are the accounts by senderId. A state callback names no sender in
	// its body (kz.md 1.3), so there the same account comes as HTTP Basic
	// credentials; that is ours.
	Senders map[string]Account

	// Accept takes one message over for good, or says why not: a
	// *topics.Failure of class Rejected is answered by a Client fault with the
	// failure's text, which must hold no personal data; anything else by a
	// Server fault, and the sender repeats with the same messageId.
	Accept func(ctx context.Context, in Incoming) error

	MaxBytes int64                  // of one request; 1 MiB if zero
	Metrics  *observability.Metrics // may be nil
	Now      func() time.Time       // time.Now if nil
}

// An Incoming is one served message or callback.
type Incoming struct {
	System        string    // whose account sent it
	Operation     string    // OpSendSync, OpSend, OpDelivery or OpStateChanged
	MessageID     string    // of the message; of a callback: of our message that it is about
	CorrelationID string    // may be empty
	ServiceID     string    // empty in a state callback
	MessageType   string    // of OpSend
	Time          time.Time // messageDate; of a callback notificationDate
	// Data is the data element of a message, nil for a callback and where there
	// is none. A document that came as a string stands in it as an element.
	Data *etree.Element
	// State is what a callback says. A receiveStatus MESSAGE_ACCEPTED reads as
	// Delivered, MESSAGE_NOT_ACCTEPTED as NotDelivered.
	State State
}

type server struct{ Config }

// NewServer serves both channels under PathSync and PathAsync. It answers with
// acceptance only: the message has been taken over, or a fault says that it has
// not. A repeat is accepted again; its reader drops it by messageId.
func NewServer(cfg Config) http.Handler {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = defaultMaxBytes
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &server{cfg}
	mux := http.NewServeMux()
	for path, h := range map[string]http.Handler{
		PathSync:  s.channel("shep-sync", syncChannel),
		PathAsync: s.channel("shep-async", asyncChannel),
	} {
		// With and without the last slash: a redirect would lose the message.
		path = strings.TrimSuffix(path, "/")
		mux.Handle(path, h)
		mux.Handle(path+"/{$}", h)
	}
	return mux
}

// A channel is one of the two: its namespace and what it reads.
type channel struct {
	ns    string
	first string // the operation whose fault is used where none was read
	// read reads the operations that are served.
	read map[string]func(r *reader, request *etree.Element) Incoming
	// answer writes what an accepted operation is answered.
	answer func(in Incoming, now time.Time) *etree.Element
}

func (s *server) channel(name string, ch channel) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		status := s.serve(w, r, ch)
		s.Metrics.HTTP(name, r.Method, status, time.Since(began))
	})
}

// serve answers one request and returns the HTTP status.
func (s *server) serve(w http.ResponseWriter, r *http.Request, ch channel) int {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "SOAP 1.1: POST an envelope", http.StatusMethodNotAllowed)
		return http.StatusMethodNotAllowed
	}
	operation, in, err := s.read(w, r, ch)
	if err == nil {
		err = refusal(s.Accept(r.Context(), in))
	}
	if err != nil {
		return s.fault(w, ch, operation, err)
	}
	body := envelope(ch.ns, in.Operation+"Response", ch.answer(in, s.Now()))
	return write(w, http.StatusOK, body)
}

// read reads a request and finds out whose it is. The operation is returned
// also with an error, where it is known.
func (s *server) read(w http.ResponseWriter, r *http.Request, ch channel) (string, Incoming, error) {
	doc, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.MaxBytes))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return "", Incoming{}, parseError(CodeLimit, "the request is longer than "+strconv.FormatInt(s.MaxBytes, 10)+" bytes")
	}
	if err != nil {
		return "", Incoming{}, errTransfer
	}
	wrapper, err := open(doc)
	if err != nil {
		return "", Incoming{}, err
	}
	read := ch.read[wrapper.Tag]
	if read == nil {
		return "", Incoming{}, parseError(CodeOperation, "this channel does not serve that operation")
	}
	var fields reader
	request := fields.child(wrapper, "request")
	if request == nil {
		fields.fail(CodeMessage, "element request is missing")
	}
	system, ok := s.authenticate(r, &fields, request)
	if !ok {
		return wrapper.Tag, Incoming{}, parseError(CodeAuth, "sender or password unknown")
	}
	in := read(&fields, request)
	in.System, in.Operation = system, wrapper.Tag
	if in.Time.IsZero() {
		in.Time = s.Now()
	}
	return wrapper.Tag, in, fields.err
}

// errTransfer is a request that broke off on its way.
var errTransfer = errors.New("the request broke off")

// authenticate returns the system whose account the request names: in its
// sender element, or, where the schema has none, as Basic credentials.
func (s *server) authenticate(r *http.Request, fields *reader, request *etree.Element) (string, bool) {
	holder := request
	for _, name := range []string{"requestInfo", "messageInfo"} {
		if e := fields.child(request, name); e != nil {
			holder = e
		}
	}
	var id, password string
	if sender := fields.child(holder, "sender"); sender != nil {
		id, password = fields.text(sender, "senderId"), fields.text(sender, "password")
	} else {
		id, password, _ = r.BasicAuth()
	}
	account := s.Senders[id] // an unknown one has no password
	same := subtle.ConstantTimeCompare([]byte(account.Password), []byte(password)) == 1
	return account.System, same && account.Password != ""
}

// refusal turns an error of Accept into what is answered.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	var f *topics.Failure
	if errors.As(err, &f) && f.Class == topics.Rejected {
		return parseError(CodeMessage, f.Error())
	}
	return errNotTaken
}

var errNotTaken = errors.New("not taken over, repeat with the same messageId")

// fault answers with a SOAP fault: Client where the message is at fault, Server
// where the sender is to repeat it.
func (s *server) fault(w http.ResponseWriter, ch channel, operation string, err error) int {
	side, code := "Server", CodeUnavailable
	var pe *ParseError
	if errors.As(err, &pe) {
		side, code = "Client", pe.Code
	}
	if operation == "" {
		operation = ch.first
	}
	name := operation + "Fault1_" + operation + "Fault"

	e := etree.NewElement("soap:Fault")
	add(e, "faultcode", "soap:"+side)
	add(e, "faultstring", err.Error())
	info := e.CreateElement("detail").CreateElement("t:" + name)
	info.CreateAttr("xmlns:t", ch.ns)
	add(info, "errorCode", code)
	add(info, "errorMessage", err.Error())
	add(info, "errorDate", formatTime(s.Now()))
	return write(w, http.StatusInternalServerError, soap(func(out *bytes.Buffer) { e.WriteTo(out, canonical()) }))
}

// write answers and returns the status. SOAP 1.1 wants 500 for every fault.
func write(w http.ResponseWriter, status int, body []byte) int {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the sender may have gone; it repeats
	return status
}
