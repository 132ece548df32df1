package load

import (
	"fmt"
	"time"

	"kandashub/cmd/verify/check"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// direct makes the messages of one leg, of two systems in turn: a notice to
// migration, as the hub itself writes it, and a receipt that migration writes,
// of which kandas is told. They are about different applications, so that what
// holds the one up does not hold the other.
func (m *maker) direct(i int) planned {
	if i%2 == 0 {
		return m.directNotice()
	}
	n := m.rng.IntN(m.plan.Applications)
	app := fmt.Sprintf("migration-%s-r-%d", m.plan.Run, n)
	m.seq[app]++
	seq := m.seq[app]
	id := topics.DeriveID("verify", app, fmt.Sprint(seq))
	notice := topics.NoticeID(app, id)
	p := planned{record: record("migration.receipts", app, id, payload.TypeMigrationReceipt, "migration", m.began, payload.Delivery{
		ApplicationID: app, Notice: notice, Recipient: "migration", State: payload.DeliveryDelivered,
	})}
	p.send = check.Send{
		ID: id, Source: "migration", Type: payload.TypeMigrationReceipt, Topic: "migration.receipts", Application: app, Seq: seq, Kind: check.Good,
		Wants: []check.Want{{
			Route: "delivered", System: "kandas", Operation: "record-delivery", ID: topics.DeriveID("delivery", notice, payload.DeliveryDelivered),
			Contract: check.C1, Ordered: true,
		}},
	}
	return p
}

func (m *maker) directNotice() planned {
	n := m.rng.IntN(m.plan.Applications)
	app := fmt.Sprintf("migration-%s-n-%d", m.plan.Run, n)
	m.seq[app]++
	seq := m.seq[app]
	event := topics.DeriveID("verify", app, fmt.Sprint(seq))
	id := topics.DeriveID(event, "verify", "0")
	p := planned{record: record("migration.notifications", app, id, payload.TypeNotification, topics.SourceHub, m.began, payload.Notification{
		ApplicationID: app, Recipient: "migration", Kind: "registered", EventID: event,
		Event: payload.Event{
			ApplicationID: app, Recipients: []string{"migration"}, IssuedAt: m.began.Format(time.RFC3339),
			Text:         payload.Text{KK: "Өтініш тіркелді", RU: "Заявление зарегистрировано"},
			Registration: &payload.Registration{Number: fmt.Sprint(seq), Date: m.began.Format(time.DateOnly)},
		},
	})}
	p.send = check.Send{
		ID: id, Source: topics.SourceHub, Type: payload.TypeNotification, Topic: "migration.notifications", Application: app, Seq: seq, Kind: check.Good,
		Wants: noticeWants(app, "migration", event),
	}
	return p
}
