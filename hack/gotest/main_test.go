package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

// inModule runs gotest on a small module that holds the given test file.
func inModule(t *testing.T, source string, required bool) (int, string) {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	g.Expect(os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.test\n\ngo 1.26\n"), 0o600)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(dir, "a_test.go"), []byte("package a\n\n"+source), 0o600)).To(Succeed())
	t.Chdir(dir)
	var out bytes.Buffer
	code, err := run(context.WithoutCancel(t.Context()), []string{"./..."}, required, &out)
	g.Expect(err).NotTo(HaveOccurred())
	return code, out.String()
}

const passing = "import \"testing\"\n\nfunc TestA(t *testing.T) { t.Log(\"chatter\") }\n"

const skipping = passing + "\nfunc TestB(t *testing.T) { t.Skip(\"gh is not installed\") }\n"

func TestPassingTestsAreShownAsGoTestShowsThem(t *testing.T) {
	g := NewWithT(t)
	code, out := inModule(t, passing, true)
	g.Expect(code).To(BeZero())
	g.Expect(out).To(MatchRegexp(`ok\s+example.test`))
	g.Expect(out).To(ContainSubstring("1 tests passed, 0 failed, 0 left out"))
	g.Expect(out).NotTo(ContainSubstring("chatter"))
}

func TestLeftOutTestIsNamedWithItsReason(t *testing.T) {
	g := NewWithT(t)
	code, out := inModule(t, skipping, false)
	g.Expect(code).To(BeZero())
	g.Expect(out).To(MatchRegexp(`LEFT OUT: 1 tests[^$]*example.test TestB[^$]*gh is not installed`))
}

func TestLeftOutTestFailsWhereItIsRequired(t *testing.T) {
	g := NewWithT(t)
	code, out := inModule(t, skipping, true)
	g.Expect(code).To(Equal(1))
	g.Expect(out).To(ContainSubstring("AWO_E2E_REQUIRED=1: this is a failure"))
}

func TestFailureIsShownWhole(t *testing.T) {
	g := NewWithT(t)
	code, out := inModule(t, "import \"testing\"\n\nfunc TestA(t *testing.T) { t.Error(\"it broke\") }\n", false)
	g.Expect(code).To(Equal(1))
	g.Expect(out).To(And(ContainSubstring("it broke"), ContainSubstring("FAIL example.test TestA")))
}

func TestTestThatNeverEndsIsShownWithItsOutput(t *testing.T) {
	g := NewWithT(t)
	code, out := inModule(t, "import (\n\t\"fmt\"\n\t\"os\"\n\t\"testing\"\n)\n\n"+
		"func TestA(t *testing.T) { fmt.Println(\"where it hung\"); os.Exit(3) }\n", false)
	g.Expect(code).To(Equal(1))
	g.Expect(out).To(And(ContainSubstring("where it hung"), ContainSubstring("FAIL example.test TestA")))
}

func TestCodeThatDoesNotCompileIsShown(t *testing.T) {
	g := NewWithT(t)
	code, out := inModule(t, "func broken() { return 1 }\n", false)
	g.Expect(code).NotTo(BeZero())
	g.Expect(out).To(ContainSubstring("too many return values"))
}

func TestSkippedSpecsOfASuiteAreLeftOut(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	r := newResults(&out)
	summary := "Ran 3 of 5 Specs in 0.1 seconds\n\x1b[1mSUCCESS!\x1b[0m -- \x1b[32m3 Passed\x1b[0m | 0 Failed | \x1b[33m0 Pending\x1b[0m | \x1b[36m2 Skipped\x1b[0m\n"
	r.take(event{Action: "output", Package: "p", Test: "TestSuite", Output: summary})
	r.take(event{Action: "pass", Package: "p", Test: "TestSuite"})
	g.Expect(r.leftOut).To(HaveLen(1))
	g.Expect(r.leftOut[0].Why).To(ContainSubstring("2 skipped specs"))
}

func TestSlowestTestsAreNamed(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	r := newResults(&out)
	for name, seconds := range map[string]float64{"TestFast": 0.1, "TestSlow": 30, "TestSlower": 61.25, "TestSlower/part": 61} {
		r.take(event{Action: "pass", Package: "example.test/a", Test: name, Elapsed: seconds})
	}
	r.summary(false)
	g.Expect(out.String()).To(HavePrefix("   61.2 s  a TestSlower\n   30.0 s  a TestSlow\n4 tests passed"))
}
