//go:build docker

package e2edocker_test

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// The Dockerfile of examples/toolchain gives agents what a repository's own tests need.
func TestAgentsRunTheTestsOfARepository(t *testing.T) {
	s := newStack(t, "AWO_IMAGE=archon-awo:go")
	s.run("docker build -t archon-awo:go examples/toolchain")
	s.up()
	s.repository("calc", map[string]string{
		"go.mod":       "module example.com/calc\n\ngo 1.22\n",
		"calc.go":      "package calc\n\n// Add adds.\nfunc Add(a, b int) int { return a + b }\n",
		"calc_test.go": "package calc\n\nimport \"testing\"\n\nfunc TestAdd(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Fatal(\"wrong\")\n\t}\n}\n",
	})
	s.control(http.MethodPost, "/script/tests", "")
	s.drop("calc", manifest("calc", "calc"))
	st := s.ends("calc", v1alpha1.PhaseSucceeded)
	result := string(s.control(http.MethodGet, "/repositories/calc/files/result.txt?ref="+st.Branch, ""))
	s.g.Expect(result).To(And(ContainSubstring("--- PASS: TestAdd"), ContainSubstring("ok")))
}
