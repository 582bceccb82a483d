package v1alpha1_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

func TestCheckBranchAgreesWithGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal("git is needed: ", err)
	}
	names := []string{
		"main", "awo/add-readme-3f9a2c1b", "feature/äöü", "a.b", "a-", "a--b", "a@b", "@a", "a@", "a{b", "a}", "a/b/c", "1.10", "0x10", "a.lockx",
		"a,b", "a;b", "a|b", "a&b", "a$b", "a`b", "a'b", `a"b`, "a(b)", "a<b>", "a!b", "a#b", "a%b", "a=b", "a+b", "\u00a0", "refsx/a", "heads/main",
		"a..b", "..", ".", ".a", "a/.b", "a.", "a./b", "/a", "a/", "a//b", "a.lock", "a.lock/b", "a/b.lock", "-a", "--", "a b", "a\tb", "a\nb", "a\x7fb", "a\x01",
		"a~b", "a^b", "a:b", "a?b", "a*b", "a[b", `a\b`, "a@{b", "@", "HEAD", ".lock", "a/.lock", "@{-1}", "@{u}", "",
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), git, "check-ref-format", "--branch", name)
			cmd.Dir = t.TempDir()
			accepted := cmd.Run() == nil
			if name == "HEAD" || name == "@" {
				// As a branch git lets them pass, at the top of a repository they mean another thing.
				accepted = false
			}
			if got := v1alpha1.CheckBranch(name); (got == nil) != accepted {
				t.Errorf("%q: git accepts it: %v, here: %v", name, accepted, got)
			}
		})
	}
}

func TestCheckBranchRefusesMoreThanGit(t *testing.T) {
	for name, want := range map[string]string{
		"refs/heads/a":           "short name",
		strings.Repeat("a", 201): "longer than 200",
		strings.Repeat("0", 40):  "id of a commit",
		strings.Repeat("f", 64):  "id of a commit",
		"\xff":                   "UTF-8",
	} {
		if err := v1alpha1.CheckBranch(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
