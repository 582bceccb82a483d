package manifest_test

import (
	"strings"
	"testing"

	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// large is a manifest of about 2 KB with a status.
func large() []byte {
	text := strings.Replace(body, "do it", "|\n"+strings.Repeat("    Add a short README that says what this is and how to use it.\n", 12), 1)
	out, err := manifest.SpliceStatus([]byte("# An order.\n"+head+text), 0, status())
	if err != nil {
		panic(err)
	}
	return out
}

func BenchmarkParse(b *testing.B) {
	data := large()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := manifest.Parse(data); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkSpliceStatus(b *testing.B) {
	data, want := large(), status()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := manifest.SpliceStatus(data, 0, want); err != nil {
			b.Fatal(err)
		}
	}
}
