package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// TokenFileName is the name of the token file below the data directory.
const TokenFileName = "server-token"

// tokenBytes is how many random bytes make a token; it is written in hex.
const tokenBytes = 32

// minTokenLength is the shortest token that a person may have put in place of ours, in characters.
const minTokenLength = 16

// WriteFile writes a file durably with a mode.
type WriteFile func(path string, data []byte, mode fs.FileMode) error

// EnsureToken returns the token of the file and creates it when it is missing or empty: 32 random bytes in hex, mode
// 0600. A file that others may read is closed to them, since it lies in a directory that they may enter.
func EnsureToken(path string, write WriteFile) (string, error) {
	token, err := ReadToken(path)
	if err == nil {
		return token, closeToOthers(path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	raw := make([]byte, tokenBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("making a token for the http endpoint: %w", err)
	}
	token = hex.EncodeToString(raw)
	if err := write(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("writing the token of the http endpoint: %w", err)
	}
	return token, nil
}

// ReadToken reads the token of the file. A missing or an empty file is fs.ErrNotExist.
func ReadToken(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the token of the http endpoint: %w", err)
	}
	token := strings.TrimSpace(string(data))
	switch {
	case token == "":
		return "", fmt.Errorf("token file %s is empty: %w", path, fs.ErrNotExist)
	case len(token) < minTokenLength || strings.ContainsAny(token, " \t\r\n"):
		return "", fmt.Errorf("token file %s holds no usable token: it must be one word of at least %d characters; "+
			"remove the file and a new one is made at the next start", path, minTokenLength)
	}
	return token, nil
}

// closeToOthers takes every right on a file from group and others.
func closeToOthers(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("token of the http endpoint: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(path, info.Mode().Perm()&0o700); err != nil {
		return fmt.Errorf("token file %s can be read by others and cannot be closed to them: %w", path, err)
	}
	return nil
}
