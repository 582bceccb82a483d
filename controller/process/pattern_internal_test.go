package process

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// pieces are what texts are made of that look almost like keys, with lengths on either side of every limit.
func pieces() []string {
	all := make([]string, 0, 256)
	all = append(all, ".", ".", " ", "-", "_", "\n", "x", "X", "A", "PRIVATE KEY", pemDashes, pemFinish, "-----BEGIN PRIVATE KEY-----")
	for _, p := range patterns {
		all = append(all, p.prefix, p.prefix[1:], p.prefix[:len(p.prefix)-1])
	}
	for _, length := range []int{4, 5, 7, 8, 15, 16, 17, 19, 20, 29, 30, 39, 40, 53, 64, 65, maxKey - 4, maxKey - 3, maxKey, maxKey + 1} {
		all = append(all, strings.Repeat("A", length), strings.Repeat("b", length), strings.Repeat("eyJ", min(length/3, 20)), strings.Repeat("-", length%9))
	}
	return all
}

// mixed makes a text of a choice of the pieces: few of them, so that they meet often.
func mixed(random *rand.Rand, all []string) []byte {
	chosen := make([]string, 1+random.IntN(6))
	for i := range chosen {
		chosen[i] = all[random.IntN(len(all))]
	}
	var text []byte
	for range random.IntN(20) {
		text = append(text, chosen[random.IntN(len(chosen))]...)
		if len(text) > 2*maxPEM {
			break
		}
	}
	return text
}

// sameAsPlainly compares what is found with what is found when nothing is skipped.
func sameAsPlainly(t *testing.T, text []byte) (keys int) {
	t.Helper()
	for _, p := range patterns {
		got, want := p.spans(text, nil), plainly(p.prefix, text, plainEnd(p.prefix))
		if len(got) != len(want) {
			t.Fatalf("%q: %v, but %v when nothing is skipped, in %q", p.prefix, got, want, text)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%q: %v, but %v when nothing is skipped, in %q", p.prefix, got, want, text)
			}
		}
		keys += len(want)
	}
	return keys
}

func TestNoKeyIsSkipped(t *testing.T) {
	all := pieces()
	found := map[bool]int{}
	for seed := range uint64(4000) {
		found[sameAsPlainly(t, mixed(rand.New(rand.NewPCG(seed, 1)), all)) > 0]++
	}
	NewWithT(t).Expect(found).To(And(HaveKeyWithValue(true, BeNumerically(">", 800)), HaveKeyWithValue(false, BeNumerically(">", 800))))
}

// A key may begin within what looked like another.
func TestKeyWithinAFailedMatch(t *testing.T) {
	long := strings.Repeat("a", maxKey)
	for name, c := range map[string]struct{ text, key string }{
		"a header that begins too early":   {"eyJ" + long + "eyJbbbbb.cccccccc.dddddddd", "eyJbbbbb.cccccccc.dddddddd"},
		"a header behind a short one":      {"eyJaaaaa.short.eyJbbbbb.cccccccc.dddddddd", "eyJbbbbb.cccccccc.dddddddd"},
		"claims, the first header is long": {"eyJ" + long + ".eyJbbbbb.cccccccc.dddddddd", "eyJbbbbb.cccccccc.dddddddd"},
		"claims are too long for claims":   {"eyJaaaaa.eyJ" + long + "eyJbbbbb.cccccccc.dddddddd", "eyJbbbbb.cccccccc.dddddddd"},
		"a dash ends the one before":       {"sk-aaask-" + strings.Repeat("b", 40), "sk-" + strings.Repeat("b", 40)},
		"an id behind a long one":          {"AKIA" + strings.Repeat("A", 30) + "-AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"},
		"a label in a label":               {"-----BEGIN X-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----"},
		"dashes at the end of a label":     {pemBegin + strings.Repeat("x", maxLabel+1) + "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			sameAsPlainly(t, []byte(c.text))
			g.Expect((&Redactor{}).String(c.text)).To(Equal(strings.TrimSuffix(c.text, c.key) + Redacted))
		})
	}
}

func FuzzPatterns(f *testing.F) {
	f.Add([]byte("eyJaaaaa.bbbbbbbb.cccccccc AKIAIOSFODNN7EXAMPLE"), "sk-", uint16(3))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nA\n-----END RSA PRIVATE KEY-----"), "-----BEGIN ", uint16(40))
	f.Fuzz(func(t *testing.T, text []byte, again string, times uint16) {
		if len(again) < 100 {
			text = append(bytes.Clone(text), strings.Repeat(again, int(times)%4000)...)
		}
		sameAsPlainly(t, append(text, text...))
	})
}

// Whatever a text repeats, each byte of it is looked at a few times.
func TestEachByteIsScannedAFewTimes(t *testing.T) {
	var scanned int
	count := func(is func(byte) bool) func(byte) bool {
		return func(b byte) bool { scanned++; return is(b) }
	}
	endings := []string{"", ".", " ", "-", "A", ".eyJaaaaa.a ", ".aaaaaaaa.", ".aaaaaaaa", "AAAAAAAAAAAAAAAAA ", strings.Repeat("a", maxKey) + "."}
	for _, p := range (alphabet{count(keyByte), count(plainByte), count(capitalByte)}).patterns() {
		for _, ending := range endings {
			for _, times := range []int{1, 7, maxKey / 4, 1 << 20} {
				piece := strings.Repeat(p.prefix, min(times, (1<<16)/len(p.prefix))) + ending
				text := []byte(strings.Repeat(piece, 1+(1<<16)/len(piece)))
				scanned = 0
				p.spans(text, nil)
				NewWithT(t).Expect(scanned).To(BeNumerically("<=", 2*len(text)), "%q %d times, with %.20q", p.prefix, times, ending)
			}
		}
	}
}
