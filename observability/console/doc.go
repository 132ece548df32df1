// Package console is the web page of the people on duty: what the routes do
// now, which dead letters wait for a decision, where an application is, and what
// operators did. The hub serves it at HUB_CONSOLE.
//
// Pages are made on the server (html/template, in pages); one small script adds
// live figures and keys, and every page works without it. All files are
// embedded, nothing is fetched from elsewhere.
//
// # Where the figures come from
//
// The consumer groups, their lag, what is parked and the dead letters are read
// from Kafka and hold for all hubs. Rates are made of committed and end offsets.
// What only a hub itself knows, why it has paused a route and the state of a
// breaker, is that of the hub that serves the page, whose name is at its foot; of what
// has passed, the outcomes have it, whichever hub it was.
// [watch] asks only while somebody looks; the dead letters are kept as an index
// without what they carry ([letterIndex]).
//
// # Who may do what
//
// [endpoints] is the whole list of what can be asked for, each with the least
// [Role] that may. What is not in it does not exist, and who is nobody sees the
// login alone. A [Login] says who is asking: an OpenID Connect provider, the
// header of a trusted proxy, or, on one's own machine, whoever one says one is.
//
//	viewer    sees everything but what letters carry
//	operator  pauses, drains and resumes routes, opens and releases breakers,
//	          replays letters, discards up to ten, undoes
//	approver  sees what a letter carries, discards many, forces a breaker closed,
//	          accepts a loss of claims, exports the audit
//	admin     everything
//
// Whatever changes anything is a POST with a reason, goes through
// [control.Commands] and is on record in hub.audit before it takes effect. With
// [Config.ReadOnly] nobody may change anything, not even an admin.
//
// What is refused has a code ([control.Refusal]) and so a text in each language; the
// answer shows the form again, with what was typed, where that can be mended.
//
// # What protects it
//
// Pages hold no personal data until an approver asks for one letter's; that is
// on record, and the page hides it again after a minute. A POST must come from
// the console itself (Sec-Fetch-Site, Origin). No page may be framed or cached,
// no script or style stands in a page. Application ids are searched by POST, so
// they stay out of histories, but for the filter of letters, which is a URL to
// be shared.
package console
