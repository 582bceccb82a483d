package supervisor

import (
	"bytes"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestSpecRoundTrip(t *testing.T) {
	cases := map[string]Spec{
		"full": {Path: "/bin/sh", Argv: []string{"sh", "-c", "a b\n\"", ""}, Dir: "/tmp", Env: []string{"A=1", "B=", "C=x\ny"},
			Grace: 5 * time.Second, MaxProcesses: 7, ExtraFiles: 2},
		"bare": {Path: "x", Argv: []string{}, Env: []string{}},
	}
	for name, spec := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var b bytes.Buffer
			g.Expect(WriteSpec(&b, spec)).To(Succeed())
			b.WriteByte(StopOrderly)
			g.Expect(readSpec(&b)).To(Equal(spec))
			g.Expect(b.String()).To(Equal(string(StopOrderly)), "what follows is left")
		})
	}
}

func TestSpecMalformed(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no number": "x\n", "negative": "-1\n", "too long": "99999999999\n", "endless": strings.Repeat("1", 100),
		"cut short": "10\nabc", "too few fields": "2\na\x00", "bad count": "13\na\x00b\x001\x000\x000\x00x\x00\x00", "count past the end": "12\na\x00b\x001\x000\x000\x009\x00",
	} {
		_, err := readSpec(strings.NewReader(text))
		NewWithT(t).Expect(err).To(HaveOccurred(), name)
	}
	err := WriteSpec(io.Discard, Spec{Dir: strings.Repeat("x", maxSpec)})
	NewWithT(t).Expect(err).To(MatchError(errTooLong))
}

func TestReportRoundTrip(t *testing.T) {
	for _, report := range []Report{
		{Started: true}, {Errno: syscall.ENOENT}, {Ended: true}, {Ended: true, Code: 3}, {Ended: true, Signal: syscall.SIGKILL},
	} {
		g := NewWithT(t)
		var b bytes.Buffer
		g.Expect(writeReport(&b, report)).To(Succeed())
		g.Expect(ReadReport(&b)).To(Equal(report))
		_, err := ReadReport(&b)
		g.Expect(err).To(MatchError(io.EOF))
	}
	for _, line := range []string{"\n", "ended\n", "ended x 0\n", "other 0 0\n", "ended 0 0 0\n", "ended 0"} {
		_, err := ReadReport(strings.NewReader(line))
		NewWithT(t).Expect(err).To(HaveOccurred(), line)
	}
}
