package payload

// The event types, ce_type. The last part is the version of the schema.
const (
	TypeMigrationSubmitted = "kz.migration.application.submitted.v1" // Application
	TypeEgovSubmitted      = "kz.egov.application.submitted.v1"      // Application
	TypeStatecorpSubmitted = "kz.statecorp.application.submitted.v1" // Application

	TypeIINRequested  = "kz.kandas.iin.requested.v1" // IINRequest
	TypeIINLookup     = "kz.hub.iin.lookup.v1"       // IINRequest
	TypeIINGeneration = "kz.hub.iin.generation.v1"   // IINRequest
	TypeIINResult     = "kz.hub.iin.result.v1"       // IINRequest

	TypeRegistered        = "kz.kandas.application.registered.v1"      // Event
	TypePackageRefused    = "kz.kandas.application.package-refused.v1" // Event
	TypeRecommended       = "kz.kandas.application.recommended.v1"     // Event
	TypeHearingSet        = "kz.kandas.application.hearing-set.v1"     // Event
	TypeDecided           = "kz.kandas.application.decided.v1"         // Event
	TypeCertificateIssued = "kz.kandas.certificate.issued.v1"          // Event

	TypeNotification      = "kz.hub.notification.v1"       // Notification
	TypeSignatureRejected = "kz.hub.signature.rejected.v1" // Rejection

	TypeDeliveryRecorded = "kz.hub.delivery.recorded.v1"           // Delivery
	TypeMigrationReceipt = "kz.migration.delivery.reported.v1"     // Delivery
	TypeEgovReceipt      = "kz.egov.delivery.reported.v1"          // Delivery
	TypeStatecorpReceipt = "kz.statecorp.delivery.reported.v1"     // Delivery
	TypeCertRequested    = "kz.statecorp.certificate.requested.v1" // CertificateRequest
)
