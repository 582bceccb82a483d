package git

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/agent-work-orders/awo/controller/store"
)

// Bundle writes the commits from the base commit to head into a git bundle with the branch as its only ref, so that
// `git fetch FILE BRANCH` brings them back into any clone that has the base commit. Nothing is written when head is
// empty or the base commit, for a bundle can't be empty. The file appears when it is complete.
func (c *Client) Bundle(ctx context.Context, w Workspace, head, file string) error {
	if head == "" || head == w.BaseCommit {
		return nil
	}
	p, err := c.open(w)
	if err == nil {
		err = checkObjectName("head commit", head)
	}
	if err == nil {
		err = c.writeBundle(ctx, p, head, file)
	}
	if err != nil {
		return fmt.Errorf("bundling %s into %s: %w", head, file, err)
	}
	return nil
}

// bundleHeader is the text before the pack, as in gitformat-bundle.
func bundleHeader(branch, base, head string) string {
	signature := "# v2 git bundle\n"
	if len(head) == 64 {
		signature = "# v3 git bundle\n@object-format=sha256\n"
	}
	return fmt.Sprintf("%s-%s\n%s refs/heads/%s\n\n", signature, base, head, branch)
}

// writeBundle lets git write the pack behind a header of ours: git bundle can only name refs as the mirror has them. It
// may soon be the only copy, so the disk has it before anybody is told.
func (c *Client) writeBundle(ctx context.Context, p place, head, file string) error {
	return store.WriteLarge(file, 0o600, func(out *os.File) error {
		if _, err := out.WriteString(bundleHeader(p.Branch, p.BaseCommit, head)); err != nil {
			return err
		}
		k := p.onMirror("pack-objects", "--quiet", "--revs", "--thin", "--delta-base-offset", "--stdout")
		k.stdin, k.stdout = strings.NewReader(head+"\n^"+p.BaseCommit+"\n"), out
		_, err := c.run(ctx, k)
		return err
	})
}
