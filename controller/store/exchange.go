package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/crash"
)

// errDisturbed says that somebody else changed a file before we could; it is as they left it.
var errDisturbed = errors.New("the file was changed meanwhile")

// maxTurns bounds how often an exchange is taken back because yet another save came between.
const maxTurns = 64

// swapper puts new bytes in place of a file without losing what anybody else writes to it meanwhile.
type swapper struct {
	// exchange swaps two paths in one step.
	exchange func(a, b string) error
}

func renameExchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

// swap replaces the content of a file, which must be no symlink, and returns the state of the new one. Mode, owner and
// extended attributes stay. errDisturbed: the file was not what before says, and is as it was found.
func (w swapper) swap(path string, before content, after []byte) (stamp, error) {
	temp, staged, err := stage(path, before, after)
	if err != nil {
		return stamp{}, err
	}
	crash.Here("manifest staged")
	if err = crash.Error("exchange", path); err == nil {
		err = w.exchange(temp, path)
	}
	crash.Here("manifest exchanged")
	switch {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		err = renameOver(temp, path, before)
		return staged, err
	case errors.Is(err, fs.ErrNotExist):
		return stamp{}, errors.Join(errDisturbed, os.Remove(temp))
	case err != nil:
		return stamp{}, errors.Join(fmt.Errorf("exchange: %w", err), os.Remove(temp))
	}
	err = w.settle(temp, path, before.data, after)
	crash.Here("manifest settled")
	if err == nil || errors.Is(err, errDisturbed) {
		if err == nil {
			err = keepLater(temp, path, &before.stat)
		}
		// What lies there now is what was believed to be at the path, and nobody writes to it.
		return staged, errors.Join(err, os.Remove(temp))
	}
	return stamp{}, err
}

// keepLater gives the new file what became of the mode of the one that it displaced after that was read: an agent's chmod may
// just have been taken back.
func keepLater(displaced, path string, before *unix.Stat_t) error {
	var now unix.Stat_t
	if err := unix.Stat(displaced, &now); err != nil {
		return fmt.Errorf("look at the mode of what was displaced: %w", err)
	}
	if now.Mode == before.Mode {
		return nil
	}
	if err := keepAttributes(displaced, path, &now); err != nil {
		return fmt.Errorf("keep mode and owner: %w", err)
	}
	return nil
}

// seen is what was last read of a file that an exchange displaces. While it was being written that is no state of it.
type seen struct {
	data []byte
	open bool
}

// settle looks at what an exchange has displaced. If that is what was believed to be there and nobody is writing to
// it, all is well. Else somebody has saved: what came out is put back, and what comes out by that is looked at in
// the same way, until the newest save is at the path and only what was superseded is left.
func (w swapper) settle(temp, path string, was, is []byte) error {
	believed, placed := seen{data: was}, seen{data: is}
	for turn := range maxTurns {
		out, err := readContent(temp)
		if err != nil && !errors.Is(err, errChanging) {
			return errors.Join(fmt.Errorf("read what the exchange displaced to %s: %w", temp, err), w.exchange(temp, path))
		}
		if err == nil && !out.busy && (bytes.Equal(out.data, believed.data) || believed.open && !older(path, &out.stat)) {
			if turn == 0 {
				return nil
			}
			return errDisturbed
		}
		if err := w.exchange(temp, path); errors.Is(err, fs.ErrNotExist) {
			// The path was removed meanwhile, and with it what we had put there. A save that came before a
			// removal is superseded by it.
			return errDisturbed
		} else if err != nil {
			return fmt.Errorf("put back what the exchange displaced to %s: %w", temp, err)
		}
		believed, placed = placed, seen{out.data, err != nil || out.busy}
	}
	return fmt.Errorf("%s is being written too often; a former state of it is in %s", path, temp)
}

// older tells whether what lies at a path was written earlier than another file: a save whose end was not seen may have ended
// before the next one began. Within a tick of the clock it is taken to have done so, as when one program saves twice. Who
// cannot tell loses nothing.
func older(path string, than *unix.Stat_t) bool {
	var at unix.Stat_t
	switch err := unix.Stat(path, &at); {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		return true
	}
	return at.Mtim.Nano() < than.Mtim.Nano()
}

// renameOver is for file systems without exchange: the check and the rename are two steps there.
func renameOver(temp, path string, before content) error {
	now, err := readContent(path)
	if err != nil || now.busy || !bytes.Equal(now.data, before.data) {
		return errors.Join(errDisturbed, os.Remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(fmt.Errorf("replace: %w", err), os.Remove(temp))
	}
	return nil
}

// takeAway removes a file that holds what before says. errDisturbed: it does not, and is as it was found.
func takeAway(path string, before content) error {
	temp := tempFor(path, before.data, nil)
	if err := os.Rename(path, temp); errors.Is(err, fs.ErrNotExist) {
		return errDisturbed
	} else if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	crash.Here("manifest taken away")
	out, err := readContent(temp)
	if err == nil && !out.busy && bytes.Equal(out.data, before.data) {
		return errors.Join(os.Remove(temp), syncDir(filepath.Dir(path)))
	}
	// Somebody saves: back with it, unless there is a newer file already.
	err = unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if errors.Is(err, fs.ErrExist) {
		err = os.Remove(temp)
	}
	return errors.Join(errDisturbed, err)
}

// stage writes the new content beside the file, durable, with the attributes of the old one.
func stage(path string, before content, after []byte) (temp string, at stamp, err error) {
	temp = tempFor(path, before.data, after)
	if err := writeTemp(temp, after, 0o600); err != nil {
		return "", stamp{}, fmt.Errorf("write the new content: %w", err)
	}
	if err := keepAttributes(path, temp, &before.stat); err != nil {
		return "", stamp{}, errors.Join(fmt.Errorf("keep mode and owner: %w", err), os.Remove(temp))
	}
	at, err = statStamp(temp)
	if err != nil {
		return "", stamp{}, errors.Join(fmt.Errorf("write the new content: %w", err), os.Remove(temp))
	}
	return temp, at, nil
}

// tempFor names the temporary file of a change so that after a crash one can tell which side of the exchange it is:
// by the sums of the new content, of the old one, and of the name it is for.
func tempFor(path string, before, after []byte) string {
	name := strings.Join([]string{shortSum(after), shortSum(before), shortSum([]byte(filepath.Base(path))), randomHex(4)}, "-")
	return filepath.Join(filepath.Dir(path), tempPrefix+name+tempSuffix)
}

func shortSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}
