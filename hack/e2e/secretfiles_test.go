package e2e_test

import (
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestSecretFileThatCannotBeReadEndsTheStart(t *testing.T) {
	needsRoot(t)
	for _, variable := range []string{"GITHUB_TOKEN_FILE", "GH_TOKEN_FILE", "ANTHROPIC_API_KEY_FILE", "CLAUDE_CODE_OAUTH_TOKEN_FILE"} {
		t.Run(variable, func(t *testing.T) {
			w := newWorld(t)
			w.nobodys()
			closed := w.secretFile(githubToken+"\n", 0o400)
			w.env = append(w.env, "GITHUB_TOKEN=", variable+"="+closed)
			w.launch()
			w.g.Expect(w.controller.wait(10*time.Second)).To(BeTrue(), "it ends by itself")
			want := variable + ": open " + closed + ": permission denied; it belongs to 0:0 (mode 0400), this process runs as 54321:54321: " +
				"let that user read it, as by chown 54321 " + closed
			w.g.Expect(w.controller.log()).To(Equal("error: " + want + "\n"))
			out, err := w.run("doctor")
			w.g.Expect(err).To(HaveOccurred())
			w.g.Expect(out).To(ContainSubstring("FAIL     " + want))

			w.env = append(w.env, variable+"="+filepath.Join(w.dir, "none"))
			w.launch()
			w.g.Expect(w.controller.wait(10 * time.Second)).To(BeTrue())
			w.g.Expect(w.controller.log()).To(HaveSuffix("/none: no such file or directory; mount the secret there, or unset " + variable + "\n"))
		})
	}
}
