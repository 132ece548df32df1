// Package shep speaks SHEP (ШЭП), the state gateway: SOAP 1.1 in two channels,
// called by our adapters and served to the systems behind the gateway. It is a
// tool of the adapters of those systems and knows none of them.
//
// The sync channel has one operation, SendMessage: request and business answer
// in one call. The async channel has sendMessage, whose answer is an
// acknowledgement only; what became of it is told by a callback
// (changeMassageStatusNotification, spelled so in the schema) or found out by
// getMessageStatus.
//
// Written strictly, read leniently. What is sent keeps the schema to the letter:
// only the wrapper element is qualified, everything below it is in no
// namespace, elements stand in the schema's order, SOAPAction is empty,
// sessionId is left to SHEP. What is read is matched by local name under any
// prefix and in any order, in a SOAP 1.1 or 1.2 envelope, with payloads inline
// or as a string that holds a document. Never read: a DOCTYPE, anything beyond
// the limits (see Parse), content after the root, an element twice where the
// schema has it once.
//
// Start with Client.SendSync and Client.SendAsync for calling, with NewServer
// for being called, and with Document, Encode and Decode for what stands inside
// data. Notices are the hot path: they are written without a tree (Document),
// and their plain answers are read without one (quick).
//
// Messages are not signed yet: WS-Security signatures come with the keys. A
// wsse:Security header in what is read is passed over.
//
// Sources: the gateway's WSDL and schemas as described in kz.md 1. What they
// leave open is decided here and marked "ours".
package shep
