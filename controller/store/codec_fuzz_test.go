package store

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"testing"
)

// sealed puts a payload into an envelope that is right.
func sealed(tb testing.TB, payload []byte) []byte {
	tb.Helper()
	data, err := json.Marshal(envelope{Version: RecordVersion, Checksum: checksum(compact(payload)), Record: payload})
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// FuzzDecodeRecord reads any bytes as a record, also such with a right checksum. What is read must be written as it
// was read. The quick look that the index takes agrees with it.
func FuzzDecodeRecord(f *testing.F) {
	const id = "wo-0123abcd"
	first, err := os.ReadFile("testdata/record-0.1.0.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first, false)
	payload, err := openEnvelope(first)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(payload), true)
	for _, text := range []string{
		``, `{}`, `null`, `[]`, `{"id":"` + id + `","name":"a"}`, `{"id":"` + id + `","name":"a","end":{}}`, `{"id":"` + id + `","name":"a","run":1e3}`,
		`{"id":"` + id + `","name":"a","createdAt":"yesterday"}`, `{"id":"` + id + `","name":"a","attempts":{"Planning":-1},"spec":{"timeouts":{"phase":"1"}}}`,
		`{"id":"` + id + `","name":"a","sessions":{"":{"costUSD":1e400}}}`, `{"ID":"` + id + `","nAmE":"a"}`, `{"id":"` + id + `","name":"../x"}`,
	} {
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal && json.Valid(data) {
			data = sealed(t, data)
		}
		r, err := decodeRecord(id, data)
		quick, quickErr := decodeEntry(id, data)
		if err != nil {
			return
		}
		if quickErr != nil || quick != entryOf(r) {
			t.Fatalf("the index has %+v (%v) of %+v", quick, quickErr, entryOf(r))
		}
		again := written(t, r)
		back, err := decodeRecord(id, again)
		if err != nil {
			t.Fatalf("%v: %s", err, again)
		}
		if !bytes.Equal(written(t, back), again) || !reflect.DeepEqual(back.Spec, r.Spec) {
			t.Fatalf("%s was read and written as %s", again, written(t, back))
		}
	})
}

func written(t *testing.T, r *Record) []byte {
	t.Helper()
	data, err := encodeRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
