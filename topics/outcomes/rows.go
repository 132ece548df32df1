package outcomes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// entry is one outcome to be stored.
type entry struct {
	key     digest
	outcome Outcome
	written []byte // the outcome, as it lies in the topic
}

// term is one thing by which a row is found.
type term struct{ hash, row int64 }

// put stores entries that were read from a partition, and with them the offset
// to read next.
func (s *store) put(ctx context.Context, partition int, next int64, entries []entry) error {
	tx, err := s.db().BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("writing to the index: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // of no effect after a commit
	terms, err := putRows(ctx, tx, entries)
	if err == nil {
		err = putTerms(ctx, tx, terms)
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, "INSERT INTO positions VALUES (?, ?) ON CONFLICT (partition) DO UPDATE SET next = excluded.next", partition, next)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("writing to the index: %w", err)
	}
	return nil
}

func putRows(ctx context.Context, tx *sql.Tx, entries []entry) ([]term, error) {
	var row int64
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(row), 0) FROM outcomes").Scan(&row); err != nil {
		return nil, err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?)")
	if err != nil {
		return nil, err
	}
	defer insert.Close()
	terms := make([]term, 0, 2*len(entries))
	for i := range entries {
		e := &entries[i]
		row++
		application, message := hash(byApplication, e.outcome.Application), hash(byMessage, e.outcome.ID)
		if _, err := insert.ExecContext(ctx, row, e.key[:], application, message, e.outcome.Finished.UnixMicro(), e.written); err != nil {
			return nil, err
		}
		terms = append(terms, term{application, row}, term{message, row})
	}
	return terms, nil
}

func putTerms(ctx context.Context, tx *sql.Tx, terms []term) error {
	insert, err := tx.PrepareContext(ctx, "INSERT INTO terms VALUES (?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	slices.SortFunc(terms, func(a, b term) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.row, b.row)) })
	for _, t := range terms {
		if _, err := insert.ExecContext(ctx, t.hash, t.row); err != nil {
			return err
		}
	}
	return nil
}

// What outcomes are found by.
const (
	byApplication = "application"
	byMessage     = "message"
)

// hash makes the term of a text; who searches compares the text too.
func hash(by, text string) int64 {
	sum := sha256.Sum256([]byte(by + "\x00" + text))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// positions returns the offset to read next, by partition.
func (s *store) positions(ctx context.Context) (map[int]int64, error) {
	rows, err := s.db().QueryContext(ctx, "SELECT partition, next FROM positions")
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	defer rows.Close()
	at := map[int]int64{}
	for rows.Next() {
		var partition int
		var next int64
		if err := rows.Scan(&partition, &next); err != nil {
			return nil, fmt.Errorf("reading the index: %w", err)
		}
		at[partition] = next
	}
	return at, rows.Err()
}

// clear forgets everything.
func (s *store) clear(ctx context.Context) error {
	if _, err := s.db().ExecContext(ctx, "DELETE FROM outcomes; DELETE FROM terms; DELETE FROM positions"); err != nil {
		return fmt.Errorf("emptying the index: %w", err)
	}
	return nil
}

// maxFound bounds what one search returns; an application has some thirty
// outcomes.
const maxFound = 10_000

// find returns the outcomes that are found by a text, and which takes agrees to; of
// those that have the same key, the newest alone unless replaced ones are asked for.
func (s *store) find(ctx context.Context, by, text string, replaced bool, takes func(*Outcome) bool) ([]Outcome, error) {
	rows, err := s.db().QueryContext(ctx, "SELECT key, value FROM terms JOIN outcomes USING (row) WHERE term = ? ORDER BY terms.row DESC LIMIT ?",
		hash(by, text), maxFound)
	if err != nil {
		return nil, fmt.Errorf("searching the index: %w", err)
	}
	defer rows.Close()
	var found []Outcome
	seen := map[digest]bool{} // the newest comes first
	for rows.Next() {
		var key, written sql.RawBytes
		if err := rows.Scan(&key, &written); err != nil {
			return nil, fmt.Errorf("searching the index: %w", err)
		}
		o, err := decode(written)
		if err != nil {
			return nil, fmt.Errorf("searching the index: %w", err)
		}
		if d := digest(key); takes(&o) && (replaced || !seen[d]) {
			seen[d] = true
			found = append(found, o)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("searching the index: %w", err)
	}
	sortByTime(found)
	return found, nil
}

// count returns how many outcomes are stored.
func (s *store) count(ctx context.Context) (n int64, err error) {
	if err = s.db().QueryRowContext(ctx, "SELECT count(*) FROM outcomes").Scan(&n); err != nil {
		return 0, fmt.Errorf("reading the index: %w", err)
	}
	return n, nil
}

// sweep is how many outcomes are removed at once, so that nobody waits long.
const sweep = 2000

// expire removes outcomes that finished before a time, and then the oldest of
// more than most. It returns how many are left.
func (s *store) expire(ctx context.Context, before time.Time, most int64) (left int64, err error) {
	for n := int64(sweep); n == sweep; {
		if n, err = s.remove(ctx, "WHERE finished < ? ORDER BY finished LIMIT ?", before.UnixMicro(), sweep); err != nil {
			return 0, err
		}
	}
	if left, err = s.count(ctx); err != nil {
		return 0, err
	}
	for left > most {
		n, err := s.remove(ctx, "ORDER BY finished LIMIT ?", min(left-most, sweep))
		if err != nil {
			return 0, err
		}
		left -= n
	}
	return left, nil
}

// remove removes the outcomes that a condition chooses.
func (s *store) remove(ctx context.Context, condition string, args ...any) (n int64, err error) {
	tx, err := s.db().BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("removing old outcomes from the index: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // of no effect after a commit
	gone, err := tx.QueryContext(ctx, "DELETE FROM outcomes WHERE row IN (SELECT row FROM outcomes "+condition+") RETURNING application, message, row", args...)
	if err != nil {
		return 0, fmt.Errorf("removing old outcomes from the index: %w", err)
	}
	var terms []term
	for gone.Next() {
		var application, message, row int64
		if err := gone.Scan(&application, &message, &row); err != nil {
			return 0, fmt.Errorf("removing old outcomes from the index: %w", errors.Join(err, gone.Close()))
		}
		terms = append(terms, term{application, row}, term{message, row})
		n++
	}
	err = gone.Err()
	for _, t := range terms {
		if err == nil {
			_, err = tx.ExecContext(ctx, "DELETE FROM terms WHERE term = ? AND row = ?", t.hash, t.row)
		}
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return 0, fmt.Errorf("removing old outcomes from the index: %w", err)
	}
	return n, nil
}
