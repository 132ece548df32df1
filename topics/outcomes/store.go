package outcomes

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// fileName is the index's file in its folder. SQLite adds -wal and -shm beside it.
const fileName = "outcomes.db"

// layout is the version of the tables. A file of another one is begun anew.
const layout = 1

// tables hold outcomes in the order in which they were read, as they were
// written: rows are added at the end of the file. What they are found by are
// numbers, so that the indexes stay small.
const tables = `
CREATE TABLE outcomes (
	row         INTEGER PRIMARY KEY,
	key         BLOB NOT NULL,    -- of the record
	application INTEGER NOT NULL, -- hash
	message     INTEGER NOT NULL, -- hash of ce_id
	finished    INTEGER NOT NULL, -- Unix time in microseconds
	value       BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX outcomes_key ON outcomes (key);
CREATE INDEX outcomes_application ON outcomes (application);
CREATE INDEX outcomes_message ON outcomes (message);
CREATE INDEX outcomes_finished ON outcomes (finished);
CREATE TABLE positions (
	partition INTEGER PRIMARY KEY,
	next      INTEGER NOT NULL    -- offset to read next
) STRICT;
PRAGMA user_version = %d;`

// store is the index on disk.
type store struct {
	file string
	open atomic.Pointer[sql.DB]
}

func (s *store) db() *sql.DB { return s.open.Load() }

// openStore opens the file in dir, made if need be. What cannot be read, or has
// another layout, is thrown away: the topic holds it all.
func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the index: %w", err)
	}
	s := &store{file: filepath.Join(dir, fileName)}
	err := s.begin()
	if broken(err) || errors.Is(err, errLayout) {
		err = s.renew()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// errLayout means that another version of the hub has made the file.
var errLayout = errors.New("the index has another layout")

func (s *store) begin() error {
	// A crash of the machine may cost the last writes, never the file; they are
	// read from the topic again.
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(wal)", "synchronous(normal)", "cache_size(-8000)", "wal_autocheckpoint(4000)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: filepath.ToSlash(s.file), RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return fmt.Errorf("opening the index: %w", err)
	}
	db.SetMaxOpenConns(3) // one that writes, two that search; each has its cache
	db.SetMaxIdleConns(3)
	version := 0
	if err = db.QueryRow("PRAGMA user_version").Scan(&version); err == nil && version == 0 {
		_, err = db.Exec(fmt.Sprintf(tables, layout))
		version = layout
	}
	if err == nil && version != layout {
		err = errLayout
	}
	if err != nil {
		return errors.Join(fmt.Errorf("opening the index: %w", err), db.Close())
	}
	s.open.Store(db)
	return nil
}

// renew throws the file away and begins a new one.
func (s *store) renew() error {
	if db := s.db(); db != nil {
		_ = db.Close() // a search that runs fails
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(s.file + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("throwing a broken index away: %w", err)
		}
	}
	return s.begin()
}

func (s *store) close() error { return s.db().Close() }

// broken says whether the file is damaged.
func broken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// entry is one outcome to be stored.
type entry struct {
	key     digest
	outcome Outcome
	written []byte // the outcome, as it lies in the topic
}

// put stores entries that were read from a partition, and with them the offset
// to read next.
func (s *store) put(ctx context.Context, partition int, next int64, entries []entry) error {
	tx, err := s.db().BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("writing to the index: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // of no effect after a commit
	insert, err := tx.PrepareContext(ctx, `INSERT INTO outcomes (key, application, message, finished, value) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET finished = excluded.finished, value = excluded.value`)
	if err != nil {
		return fmt.Errorf("writing to the index: %w", err)
	}
	defer insert.Close()
	for i := range entries {
		e := &entries[i]
		_, err := insert.ExecContext(ctx, e.key[:], hash(e.outcome.Application), hash(e.outcome.ID), e.outcome.Finished.UnixMicro(), e.written)
		if err != nil {
			return fmt.Errorf("writing to the index: %w", err)
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO positions VALUES (?, ?) ON CONFLICT (partition) DO UPDATE SET next = excluded.next", partition, next)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("writing to the index: %w", err)
	}
	return nil
}

// hash is what outcomes are found by; who searches compares the text too.
func hash(s string) int64 {
	sum := sha256.Sum256([]byte(s))
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
	if _, err := s.db().ExecContext(ctx, "DELETE FROM outcomes; DELETE FROM positions"); err != nil {
		return fmt.Errorf("emptying the index: %w", err)
	}
	return nil
}

// maxFound bounds what one search returns; an application has some thirty
// outcomes.
const maxFound = 10_000

// find returns the outcomes of which a column, application or message, has the
// hash of text, and which takes agrees to.
func (s *store) find(ctx context.Context, column, text string, takes func(*Outcome) bool) ([]Outcome, error) {
	rows, err := s.db().QueryContext(ctx, "SELECT value FROM outcomes WHERE "+column+" = ? LIMIT ?", hash(text), maxFound)
	if err != nil {
		return nil, fmt.Errorf("searching the index: %w", err)
	}
	defer rows.Close()
	var found []Outcome
	for rows.Next() {
		var written sql.RawBytes
		if err := rows.Scan(&written); err != nil {
			return nil, fmt.Errorf("searching the index: %w", err)
		}
		o, err := decode(written)
		if err != nil {
			return nil, fmt.Errorf("searching the index: %w", err)
		}
		if takes(&o) {
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
	gone, err := s.db().ExecContext(ctx, "DELETE FROM outcomes WHERE row IN (SELECT row FROM outcomes "+condition+")", args...)
	if err == nil {
		n, err = gone.RowsAffected()
	}
	if err != nil {
		return 0, fmt.Errorf("removing old outcomes from the index: %w", err)
	}
	return n, nil
}
