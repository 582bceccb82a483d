package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// envelope is what record.json holds: the record with what is needed to trust it.
type envelope struct {
	Version int `json:"version"`
	// Checksum is over the record without insignificant white space, so that a person may reformat the file.
	Checksum string          `json:"checksum"`
	Record   json.RawMessage `json:"record"`
}

// encodeRecord returns the bytes of record.json. Equal records give equal bytes.
func encodeRecord(r *Record) ([]byte, error) {
	payload, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode the record of run %s: %w", r.ID, err)
	}
	data, err := json.Marshal(envelope{Version: RecordVersion, Checksum: checksum(payload), Record: payload})
	if err != nil {
		return nil, fmt.Errorf("encode the record of run %s: %w", r.ID, err)
	}
	return append(data, '\n'), nil
}

// NewerRecordError says that a record was written by a newer awo, whose format this one does not know.
type NewerRecordError struct {
	// Version is the record's schema version.
	Version int
}

// Error names both versions.
func (e *NewerRecordError) Error() string {
	return fmt.Sprintf("the record has schema version %d and this awo knows %d at most", e.Version, RecordVersion)
}

// openEnvelope returns the payload of record.json once version and checksum are found right.
func openEnvelope(data []byte) (json.RawMessage, error) {
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("the record is torn: %w", err)
	}
	if e.Version > RecordVersion {
		return nil, &NewerRecordError{Version: e.Version}
	}
	if e.Version < 1 || (e.Checksum != checksum(e.Record) && e.Checksum != checksum(compact(e.Record))) {
		return nil, errors.New("the record does not match its checksum")
	}
	return e.Record, nil
}

// compact takes out insignificant white space.
func compact(data json.RawMessage) []byte {
	var out bytes.Buffer
	if err := json.Compact(&out, data); err != nil {
		return nil // no JSON, and nothing that a checksum is over
	}
	return out.Bytes()
}

// decodeRecord reads record.json. A run whose id is not the directory's is another one's record.
func decodeRecord(id string, data []byte) (*Record, error) {
	payload, err := openEnvelope(data)
	if err != nil {
		return nil, err
	}
	r := &Record{}
	if err := json.Unmarshal(payload, r); err != nil {
		return nil, fmt.Errorf("the record cannot be read: %w", err)
	}
	if r.ID != id || r.Name == "" {
		return nil, fmt.Errorf("the record is that of run %q of order %q, not of run %s", r.ID, r.Name, id)
	}
	return r, nil
}

// maxReads bounds how often a record is read again that is another one each time.
const maxReads = 50

// readSettled reads and decodes a record. What does not decode is read again until it stays the same: whoever comes late
// may have read half of what is written in the meantime. Data is nil for a record that could not be read.
func readSettled[T any](l Layout, id string, decode func(id string, data []byte) (T, error)) (out T, data []byte, err error) {
	data, err = l.readRecordFile(id)
	for reads := 1; err == nil; reads++ {
		if out, err = decode(id, data); err == nil || reads == maxReads {
			return out, data, err
		}
		again, gone := l.readRecordFile(id)
		if gone != nil || bytes.Equal(again, data) {
			return out, data, err
		}
		data, err = again, nil
	}
	return out, nil, err
}

func checksum(payload []byte) string {
	sum := sha256.Sum256(payload)
	return "sha256:" + hex.EncodeToString(sum[:])
}
