package payload

// States of a person in an IIN request.
const (
	IINFound     = "found"     // the register knows the person: this IIN is used
	IINGenerated = "generated" // a new IIN, made for this request
	IINAmbiguous = "ambiguous" // several matches, or a document that differs: an officer decides
	IINStopped   = "stopped"   // the register says removed, struck off or dead: an officer decides
)

// Reasons of ambiguous and stopped.
const (
	ReasonSeveral         = "several"            // several persons match
	ReasonDocumentDiffers = "document_differs"   // who matches has other documents
	ReasonBirthDiffers    = "birth_date_differs" // who matches was born on another day
	ReasonNamesDiffer     = "names_differ"       // the holder of the stated IIN or document has other names
	ReasonIINUnknown      = "iin_unknown"        // an IIN is stated, and the register knows neither it nor the person
	ReasonRemoved         = "removed"
	ReasonExcluded        = "excluded"
	ReasonDead            = "dead"
	ReasonRefused         = "refused" // no IIN was generated: the system refused
)

// PersonResult is what came of one person. IIN is set for found and generated,
// Reason for the others.
type PersonResult struct {
	Status  string `json:"status"`
	IIN     string `json:"iin,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Matches int    `json:"matches,omitempty"` // how many persons the register returned
}

// PersonRequest is one person of an IIN request. Without a Result it is not yet
// settled.
type PersonRequest struct {
	Person
	Result *PersonResult `json:"result,omitempty"`
}

// Generation is a generation of an IIN whose outcome is unclear, to be looked
// for in the register.
type Generation struct {
	Ref       string `json:"ref"`             // the person
	Since     string `json:"generated_since"` // RFC 3339, when it was sent; to the millisecond, for a marker of that time is meant
	MessageID string `json:"message_id"`      // ce_id of the message that holds the marker
}

// IINRequest travels whole between kandas, gbdfl and migpolice: it carries
// what is known of each person, so no partial state is kept anywhere. It is the
// payload of the request, the lookups, the generations and the result.
type IINRequest struct {
	ApplicationID string          `json:"application_id"`
	RequestID     string          `json:"request_id"` // ce_id of the request of kandas; the result's id derives from it alone
	Persons       []PersonRequest `json:"persons"`
	Generation    *Generation     `json:"generation,omitempty"`

	// Voided are the questions to which a person has found out that nothing was
	// generated: the markers of that time hold nobody up any more.
	Voided []Generation `json:"voided,omitempty"`
}

// Unsettled returns the index of the first person without a result, or -1.
func (r *IINRequest) Unsettled() int {
	for i := range r.Persons {
		if r.Persons[i].Result == nil {
			return i
		}
	}
	return -1
}
