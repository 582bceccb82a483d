package confined

import (
	"bytes"
	"os"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process/descriptor"
)

func TestSpecRoundTrip(t *testing.T) {
	for name, spec := range map[string]Spec{
		"full": {Path: "/bin/sh", Argv: []string{"sh", "-c", "a b\n", ""}, Umask: 0o27, Ports: true, ExtraFiles: 2,
			Limits: []Limit{{Resource: 7, Soft: 1, Hard: 2}, {Resource: 4, Hard: ^uint64(0)}}},
		"bare": {Path: "x", Argv: []string{"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			file, err := os.CreateTemp(t.TempDir(), "spec")
			g.Expect(err).NotTo(HaveOccurred())
			defer file.Close()
			_, err = file.Write(spec.Encode())
			g.Expect(err).NotTo(HaveOccurred())
			for range 2 {
				g.Expect(readSpec(descriptor.FD(file.Fd()))).To(Equal(spec), "it can be read again")
			}
		})
	}
}

func TestSpecMalformed(t *testing.T) {
	for name, fields := range map[string][]string{
		"empty": {}, "too few": {"p", "0", "true", "0"}, "no argv": {"p", "0", "true", "0", "0"}, "no number": {"p", "x", "true", "0", "0", "a"},
		"no truth": {"p", "0", "2", "0", "0", "a"}, "negative": {"p", "0", "true", "-1", "0", "a"},
		"limits past the end": {"p", "0", "true", "0", "2", "1", "2", "3", "a"}, "bad limit": {"p", "0", "true", "0", "1", "1", "2", "x", "a"},
	} {
		_, err := parseSpec(fields)
		NewWithT(t).Expect(err).To(MatchError(errMalformed), name)
	}
	_, err := readSpec(-1)
	NewWithT(t).Expect(err).To(MatchError(syscall.EBADF))
}

func TestReports(t *testing.T) {
	g := NewWithT(t)
	want := []Report{{Confined: true}, {Step: StepLandlock, Errno: syscall.EPERM}}
	var b bytes.Buffer
	for _, r := range want {
		g.Expect(writeReport(&b, r)).To(Succeed())
	}
	g.Expect(ParseReports(b.Bytes())).To(Equal(want))
	g.Expect(ParseReports(nil)).To(BeEmpty())
	for _, text := range []string{"\n", "failed\n", "failed x y\n", "other 1 x\n"} {
		_, err := ParseReports([]byte(text))
		g.Expect(err).To(MatchError(errMalformed), text)
	}
}
