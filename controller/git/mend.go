package git

import "context"

// Mend fetches the base commit again if the mirror was removed since it was fetched. A workspace that borrows from the
// mirror is whole again with that, and what was done in it is still there.
func (c *Client) Mend(ctx context.Context, w Workspace) error {
	p, err := c.open(w)
	if err != nil {
		return err
	}
	return c.pinnedBase(ctx, p)
}

// Kept tells whether the mirror has the head that Collect gave.
func (c *Client) Kept(w Workspace, head string) (bool, error) {
	p, err := c.open(w)
	if err != nil {
		return false, err
	}
	pinned, err := p.mirror.pinned(p.ID, pinHead)
	return pinned == head, err
}
