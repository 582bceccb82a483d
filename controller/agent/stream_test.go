package agent_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/agent"
)

// lineWithTypeLast is an event as claude writes its result: type is not the first key.
const lineWithTypeLast = `{"is_error":false,"num_turns":3,"subtype":"success","result":"done","total_cost_usd":0.5,` +
	`"usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3,"cache_creation_input_tokens":4},` +
	`"permission_denials":[{"tool_name":"Bash"},{"tool_name":"Write"},{"tool_name":"Bash"}],"type":"result"}`

func readAll(t *testing.T, r io.Reader) (events []agent.Event, transcript string) {
	t.Helper()
	var out bytes.Buffer
	if err := agent.Read(r, &out, func(e agent.Event) { events = append(events, e) }); err != nil {
		t.Fatal(err)
	}
	return events, out.String()
}

func TestReadKeepsEveryByte(t *testing.T) {
	for name, input := range map[string]string{
		"nothing":         "",
		"no final end":    "{\"type\":\"system\"}\nplain",
		"empty lines":     "\n\n{\"type\":\"system\"}\n\n",
		"CRLF":            "one\r\ntwo\r\n",
		"not UTF-8":       "\xff\xfe\x00\n",
		"long lines":      strings.Repeat("y", 3<<20) + "\n" + strings.Repeat("z", 1<<20) + "\nend",
		"exactly a chunk": strings.Repeat("x", 64<<10) + "\n" + strings.Repeat("x", 64<<10-1) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(input), iotest.HalfReader(strings.NewReader(input))} {
				if _, transcript := readAll(t, r); transcript != input {
					t.Errorf("the transcript has %d bytes, the input %d, or they differ", len(transcript), len(input))
				}
			}
		})
	}
}

func TestReadParses(t *testing.T) {
	g := NewWithT(t)
	events, _ := readAll(t, iotest.OneByteReader(strings.NewReader("warning: x\n"+lineWithTypeLast+"\n"+
		`{"type":"system","subtype":"api_retry","attempt":3,"max_retries":10,"retry_delay_ms":578.5,"error_status":null,"error":"unknown"}`)))
	g.Expect(events).To(HaveLen(3))
	g.Expect(events[0].Text).To(Equal("warning: x"))
	r := events[1].Result
	g.Expect(r.Text).To(Equal("done"))
	g.Expect(r.Denied).To(Equal([]string{"Bash", "Write"}))
	g.Expect(r.CostUSD).To(Equal(0.5))
	g.Expect([]int64{r.Usage.InputTokens, r.Usage.OutputTokens, r.Usage.CacheReadTokens, r.Usage.CacheWriteTokens, r.Usage.Turns}).
		To(Equal([]int64{1, 2, 3, 4, 3}))
	g.Expect(*events[2].Retry).To(Equal(agent.Retry{Attempt: 3, MaxRetries: 10, DelayMS: 578.5, Kind: "unknown"}))
}

// Only the word false, under the very key, is no error: everything else may be a failure that nobody understood.
func TestReadOnlyFalseIsNoError(t *testing.T) {
	for is, want := range map[string]struct{ failed, unclear bool }{
		`"is_error":false`:                     {false, false},
		`"is_error": false`:                    {false, false},
		`"is_error":true`:                      {true, false},
		`"x":0`:                                {true, true},
		`"is_error":null`:                      {true, true},
		`"is_error":"false"`:                   {true, true},
		`"is_error":0`:                         {true, true},
		`"is_error":[false]`:                   {true, true},
		`"is_error":true,"IS_ERROR":false`:     {true, false},
		`"IS_ERROR":false`:                     {true, true},
		`"is_error":false,"subtype":"error_x"`: {true, false},
	} {
		events, _ := readAll(t, strings.NewReader(`{"type":"result","subtype":"success",`+is+`}`))
		r := events[0].Result
		if r.IsError != want.failed || r.Unclear != want.unclear {
			t.Errorf("%s: failed %t, unclear %t", is, r.IsError, r.Unclear)
		}
	}
	events, _ := readAll(t, strings.NewReader(`{"Type":"result","subtype":"success","is_error":false}`))
	if events[0].Type != "" {
		t.Error("a key in other letters is another key")
	}
}

// TestReadCutsLongLines shows that a line over the limit is no event, and that the one after it is.
func TestReadCutsLongLines(t *testing.T) {
	g := NewWithT(t)
	long := `{"type":"result","subtype":"success","result":"` + strings.Repeat("x", 2<<20) + `"}`
	events, transcript := readAll(t, strings.NewReader(long+"\n"+lineWithTypeLast+"\n"))
	g.Expect(transcript).To(HaveLen(len(long) + len(lineWithTypeLast) + 2))
	g.Expect(events).To(HaveLen(2))
	g.Expect(events[0].Result).To(BeNil())
	g.Expect(len(events[0].Text)).To(BeNumerically("<=", 1<<20))
	g.Expect(events[1].Result).NotTo(BeNil())
}

func TestReadGoesOnWithoutTranscript(t *testing.T) {
	g := NewWithT(t)
	seen := 0
	err := agent.Read(strings.NewReader("a\nb\n"+lineWithTypeLast), failingWriter{}, func(agent.Event) { seen++ })
	g.Expect(err).To(MatchError(errDisk))
	g.Expect(seen).To(Equal(3))
	err = agent.Read(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abc"))), io.Discard, func(agent.Event) {})
	g.Expect(err).To(MatchError(iotest.ErrTimeout))
}

var errDisk = errors.New("no space left on device")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errDisk }

// pattern is an endless input made of one piece, so that the benchmark measures the reader alone.
type pattern struct {
	piece []byte
	at    int
	left  int64
}

func (p *pattern) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(int64(len(b)), p.left)], p.piece[p.at:])
	p.at = (p.at + n) % len(p.piece)
	p.left -= int64(n)
	return n, nil
}

// BenchmarkStream reads 1 GB: of ordinary events, and of one line that never ends. Memory is the growth of the heap.
func BenchmarkStream(b *testing.B) {
	const size = 1 << 30
	event := `{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"` +
		strings.Repeat("a line of output\\n", 60) + `"}]},"session_id":"11111111-2222-4333-8444-555555555501"}` + "\n"
	for name, piece := range map[string]string{"events": event, "endless": strings.Repeat("x", 64<<10)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			before := heapInUse()
			for b.Loop() {
				input := &pattern{piece: []byte(piece), left: size}
				if err := agent.Read(input, io.Discard, func(agent.Event) {}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(max(heapInUse()-before, 0))/(1<<20), "MB-heap")
		})
	}
}

// heapInUse is what the runtime holds, without collecting first: what a long read leaves behind counts.
func heapInUse() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys - m.HeapReleased)
}

// TestReadInConstantMemory reads 64 MB in one line and allocates little of it.
func TestReadInConstantMemory(t *testing.T) {
	input := &pattern{piece: []byte(strings.Repeat("x", 64<<10)), left: 64 << 20}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := agent.Read(input, io.Discard, func(agent.Event) {}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16<<20 {
		t.Errorf("reading 64 MB allocated %d bytes", allocated)
	}
}

// What an agent states never counts down what was used, and never so much that a sum turns round.
func TestReadBelievesNoImpossibleNumber(t *testing.T) {
	g := NewWithT(t)
	const most = 1 << 50
	for stated, want := range map[string]int64{"-7": 0, "9223372036854775807": most, "12": 12} {
		events, _ := readAll(t, strings.NewReader(`{"type":"result","subtype":"success","num_turns":`+stated+`,"duration_ms":`+stated+
			`,"total_cost_usd":`+stated+`,"usage":{"input_tokens":`+stated+`,"output_tokens":`+stated+
			`,"cache_read_input_tokens":`+stated+`,"cache_creation_input_tokens":`+stated+`}}`))
		r := events[0].Result
		g.Expect([]int64{r.Turns, r.Usage.Turns, r.Usage.InputTokens, r.Usage.OutputTokens, r.Usage.CacheReadTokens, r.Usage.CacheWriteTokens}).
			To(HaveEach(want), stated)
		g.Expect(r.CostUSD).To(BeNumerically("~", min(want, 1_000_000_000)), stated)
		g.Expect(int64(r.Duration)).To(BeNumerically(">=", 0), stated)
	}
}
