package kandas

import "kandashub/topics/payload"

// The messages of АЦС «Кандас», kept in this one file. Its schema is not
// public: these are ours, and the real ones go in their place.

// Paths of the API.
const (
	pathApplications        = "/api/v1/applications"
	pathIINs                = "/api/v1/iins"
	pathDeliveries          = "/api/v1/deliveries"
	pathCertificateRequests = "/api/v1/certificate-requests"
)

// application is the form of Rules 329, annex 1, and travels as it was filed.
type application = payload.Application

// iins answers one IIN request, for all its persons. Names and documents do
// not go back: kandas knows its persons by ref.
type iins struct {
	ApplicationID string      `json:"application_id"`
	RequestID     string      `json:"request_id"`
	Persons       []personIIN `json:"persons"`
}

type personIIN struct {
	Ref     string `json:"ref"`
	Status  string `json:"status"` // found, generated, ambiguous, stopped
	IIN     string `json:"iin,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Matches int    `json:"matches,omitempty"`
}

// delivery says what became of one notice to one recipient.
type delivery struct {
	ApplicationID string `json:"application_id"`
	Notice        string `json:"notice"`
	Recipient     string `json:"recipient"`
	State         string `json:"state"`              // accepted, delivered, not-delivered
	EventID       string `json:"event_id,omitempty"` // of the event that the notice tells of: with accepted
	At            string `json:"at,omitempty"`
	Reason        string `json:"reason,omitempty"`
}

// certificateRequest asks for a certificate issued earlier.
type certificateRequest struct {
	ApplicationID string `json:"application_id"`
	RequestID     string `json:"request_id"`
	Certificate   string `json:"certificate,omitempty"`
	IIN           string `json:"iin,omitempty"`
	Reason        string `json:"reason"`
	FiledAt       string `json:"filed_at"`
}

// answer is what kandas says to every request.
type answer struct {
	Status string `json:"status"` // accepted or refused
	Reason string `json:"reason"` // of a refusal: a code
}

const (
	statusAccepted = "accepted"
	statusRefused  = "refused"
)

// toIINs translates a settled IIN request.
func toIINs(r payload.IINRequest) iins {
	out := iins{ApplicationID: r.ApplicationID, RequestID: r.RequestID}
	for _, p := range r.Persons {
		one := personIIN{Ref: p.Ref}
		if p.Result != nil {
			one.Status, one.IIN, one.Reason, one.Matches = p.Result.Status, p.Result.IIN, p.Result.Reason, p.Result.Matches
		}
		out.Persons = append(out.Persons, one)
	}
	return out
}
