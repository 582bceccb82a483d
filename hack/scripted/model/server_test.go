package model_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/hack/scripted/model"
)

const conversation = `{"model":"m","stream":%STREAM%,"system":[{"type":"text","text":"You are.\nPrimary working directory: /work dir\nEnd"}],
"tools":[{"name":"Write"},{"name":"Bash"}],
"messages":[{"role":"user","content":[{"type":"text","text":"<reminder>"},{"type":"text","text":"the task"}]},
{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{}}]},
{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":[{"type":"text","text":"no"}]}]},
{"role":"user","content":"go on"}]}`

func newServer(t *testing.T, script model.Script) *model.Server {
	t.Helper()
	s, err := model.New(map[string]model.Script{"a": script})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// reply is an answer, read to its end; cut is why that failed.
type reply struct {
	status int
	header http.Header
	body   string
	cut    error
}

// ask sends the conversation.
func ask(ctx context.Context, t *testing.T, url string, stream bool, header ...string) (reply, error) {
	t.Helper()
	text := map[bool]string{true: "true", false: "false"}[stream]
	body := strings.NewReader(strings.Replace(conversation, "%STREAM%", text, 1))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/messages?beta=true", body)
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("X-Api-Key", "key")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	data, cut := io.ReadAll(answer.Body)
	return reply{status: answer.StatusCode, header: answer.Header, body: string(data), cut: cut}, answer.Body.Close()
}

func TestServerStreams(t *testing.T) {
	g := NewWithT(t)
	s := newServer(t, model.Turns(model.Turn{Text: "hi", Tools: []model.Tool{model.Write("f.txt", "x"), model.Bash("ls")}}))
	answer, err := ask(t.Context(), t, s.URL("a"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.header.Get("Content-Type")).To(Equal("text/event-stream"))
	var names []string
	var inputs []string
	for scan := bufio.NewScanner(strings.NewReader(answer.body)); scan.Scan(); {
		if name, ok := strings.CutPrefix(scan.Text(), "event: "); ok {
			names = append(names, name)
		}
		if data, ok := strings.CutPrefix(scan.Text(), "data: "); ok {
			var e struct {
				Delta struct {
					JSON string `json:"partial_json"`
				} `json:"delta"`
			}
			g.Expect(json.Unmarshal([]byte(data), &e)).To(Succeed())
			inputs = append(inputs, e.Delta.JSON)
		}
	}
	block := []string{"content_block_start", "content_block_delta", "content_block_stop"}
	want := append(append(append([]string{"message_start"}, block...), block...), block...)
	g.Expect(names).To(Equal(append(want, "message_delta", "message_stop")))
	g.Expect(inputs).To(ContainElement(MatchJSON(`{"file_path":"/work dir/f.txt","content":"x"}`)))
}

func TestServerAnswersWhole(t *testing.T) {
	g := NewWithT(t)
	s := newServer(t, model.Sequence(model.Turn{Text: "hi", Usage: &model.Usage{OutputTokens: 3}}, model.Turn{}))
	answer, err := ask(t.Context(), t, s.URL("a"), false)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.body).To(MatchJSON(`{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],
		"stop_reason":"end_turn","stop_sequence":null,
		"usage":{"input_tokens":0,"output_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":0}}`))
}

func TestServerRecordsRequests(t *testing.T) {
	g := NewWithT(t)
	var number, inSession []int
	s := newServer(t, func(r *model.Request) model.Turn {
		number, inSession = append(number, r.Number), append(inSession, r.SessionNumber)
		return model.Say("x")
	})
	for _, session := range []string{"one", "two", "one"} {
		_, err := ask(t.Context(), t, s.URL("a"), true, "X-Claude-Code-Session-Id", session)
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Expect(number).To(Equal([]int{1, 2, 3}))
	g.Expect(inSession).To(Equal([]int{1, 1, 2}))
	g.Expect(s.Requests("")).To(HaveLen(3))
	g.Expect(s.Requests("b")).To(BeEmpty())
	r := s.Requests("a")[0]
	g.Expect(r.Prompts()).To(Equal([]string{"the task", "go on"}))
	g.Expect([]string{r.Prompt(), r.LastPrompt(), r.WorkDir(), r.Model}).To(Equal([]string{"the task", "go on", "/work dir", "m"}))
	g.Expect(r.HasTool("Bash")).To(BeTrue())
	g.Expect(r.HasTool("Edit")).To(BeFalse())
	g.Expect(r.Answers()).To(Equal(1))
	g.Expect(r.ToolResults()).To(Equal([]model.ToolResult{{Text: "no", IsError: true}}))
}

func TestServerErrors(t *testing.T) {
	g := NewWithT(t)
	s := newServer(t, model.Sequence(
		model.Turn{Error: &model.Error{Status: 429, RetryAfter: "7", Header: map[string]string{"X-More": "y"}}}, model.Fail(529), model.Fail(418)))
	answer, err := ask(t.Context(), t, s.URL("a"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.status).To(Equal(429))
	g.Expect([]string{answer.header.Get("Retry-After"), answer.header.Get("X-More")}).To(Equal([]string{"7", "y"}))
	g.Expect(answer.body).To(MatchJSON(`{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your rate limit"}}`))
	for _, status := range []int{529, 418} {
		answer, err = ask(t.Context(), t, s.URL("a"), true)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(answer.status).To(Equal(status))
	}
	answer, err = ask(t.Context(), t, s.URL("a"), true, "X-Api-Key", "")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.status).To(Equal(http.StatusUnauthorized))
	g.Expect(s.Failures()).To(BeEmpty())
}

func TestServerTellsWhatItDoesNotKnow(t *testing.T) {
	g := NewWithT(t)
	s := newServer(t, model.Turns())
	answer, err := ask(t.Context(), t, s.URL("other"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.status).To(Equal(http.StatusNotFound))
	g.Expect(s.Failures()).To(ConsistOf(MatchError(ContainSubstring(`"other"`))))
	s.Handle("other", model.Turns())
	answer, err = ask(t.Context(), t, s.URL("other"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.status).To(Equal(http.StatusOK))
	answer, err = ask(t.Context(), t, s.URL("a")+"/v2", true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.status).To(Equal(http.StatusNotFound))
}

func TestServerFaults(t *testing.T) {
	g := NewWithT(t)
	s := newServer(t, model.Sequence(
		model.Turn{Fault: model.FaultDrop}, model.Turn{Fault: model.FaultCut, Text: "some text"}, model.Turn{Fault: model.FaultMalformed},
		model.Turn{Fault: model.FaultEmpty}, model.Turn{Fault: model.FaultHang}))
	_, err := ask(t.Context(), t, s.URL("a"), true)
	g.Expect(err).To(MatchError(io.EOF))
	answer, err := ask(t.Context(), t, s.URL("a"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.cut).To(MatchError(io.ErrUnexpectedEOF))
	g.Expect(answer.body).To(And(ContainSubstring("message_start"), Not(ContainSubstring("message_stop"))))
	answer, err = ask(t.Context(), t, s.URL("a"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.body).To(ContainSubstring("not JSON"))
	answer, err = ask(t.Context(), t, s.URL("a"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.status).To(Equal(http.StatusOK))
	g.Expect(answer.body).To(BeEmpty())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = ask(ctx, t, s.URL("a"), true)
	g.Expect(err).To(MatchError(context.DeadlineExceeded))
}

// TestServerHolds shows that an answer waits, and that Close does not.
func TestServerHolds(t *testing.T) {
	g := NewWithT(t)
	hold := make(chan struct{})
	s := newServer(t, model.Sequence(model.Turn{Text: "late", Hold: hold}, model.Turn{Hold: make(chan struct{})}))
	got := make(chan int, 1)
	go func() {
		answer, err := ask(t.Context(), t, s.URL("a"), true)
		g.Expect(err).NotTo(HaveOccurred())
		got <- answer.status
	}()
	g.Eventually(func() int { return len(s.Requests("a")) }).Should(Equal(1))
	g.Consistently(got, "30ms").ShouldNot(Receive())
	close(hold)
	g.Eventually(got).Should(Receive(Equal(http.StatusOK)))

	ended := make(chan error, 1)
	go func() {
		_, err := ask(t.Context(), t, s.URL("a"), true)
		ended <- err
	}()
	g.Eventually(func() int { return len(s.Requests("a")) }).Should(Equal(2))
	g.Expect(s.Close()).To(Succeed())
	g.Eventually(ended).Should(Receive(HaveOccurred()))
}
