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
	s := newStack(t, "AWO_IMAGE=archon-awo:node")
	s.run("docker build -t archon-awo:node examples/toolchain")
	s.up()
	s.repository("calc", map[string]string{
		"calc.mjs": "export const add = (a, b) => a + b\n",
		"calc.test.mjs": "import test from 'node:test'\nimport assert from 'node:assert'\nimport { add } from './calc.mjs'\n" +
			"test('adds', () => assert.equal(add(1, 2), 3))\n",
	})
	s.control(http.MethodPost, "/script/tests", "")
	s.drop("calc", manifest("calc", "calc"))
	st := s.ends("calc", v1alpha1.PhaseSucceeded)
	result := string(s.control(http.MethodGet, "/repositories/calc/files/result.txt?ref="+st.Branch, ""))
	s.g.Expect(result).To(And(MatchRegexp(`(✔|ok 1 -) adds`), MatchRegexp(`(#|ℹ) pass 1`)))
}
