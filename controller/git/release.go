package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/agent-work-orders/awo/controller/crash"
)

// Release lets the mirror forget a run: its pins are removed, the objects stay. The run's workspace must be gone, for it
// borrows them. A mirror or pins that are not there are no error.
func (c *Client) Release(ctx context.Context, url, id string) error {
	l, err := c.locate(url)
	if err != nil {
		return err
	}
	if err := checkID(id); err != nil {
		return fmt.Errorf("releasing %s: %w", url, err)
	}
	c.fresh.Delete(id)
	for _, format := range []string{strings.Repeat("0", 40), strings.Repeat("0", 64)} {
		if err := c.release(ctx, c.mirror(l, format), id); err != nil {
			return fmt.Errorf("releasing the pins of run %s in the mirror of %s: %w", id, url, err)
		}
	}
	return nil
}

func (c *Client) release(ctx context.Context, m *mirror, id string) error {
	if _, err := os.Lstat(m.dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var packed []string
	prefix := pinRefs + "/" + id + "/"
	err := packedRefs(m.dir, func(_, name string) bool {
		if strings.HasPrefix(name, prefix) {
			packed = append(packed, "delete "+name+"\n")
		}
		return true
	})
	if err != nil {
		return err
	}
	err = os.RemoveAll(filepath.Join(m.dir, filepath.FromSlash(pinRefs), id))
	crash.Here("pins released")
	if err != nil || len(packed) == 0 {
		return err
	}
	k := call{gitDir: m.dir, id: id, args: []string{"update-ref", "--stdin"}, stdin: strings.NewReader(strings.Join(packed, ""))}
	_, err = c.run(ctx, k)
	return err
}
