package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// variablePrefix begins the variable of every flag.
const variablePrefix = "AWO_"

// bindEnvironment gives every flag that was not set on the command line the value of its variable: AWO_ and
// the flag in capitals, then the names in aliases (flag name to inherited variables, in order of precedence).
// An empty variable is an unset one. An inherited variable of a duration flag may be a plain number: seconds.
// All bad values are reported together, each error naming the variable.
func bindEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool), aliases map[string][]string) error {
	var failures []error
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || flag.Name == "help" {
			return
		}
		names := append([]string{variableOf(flag.Name)}, aliases[flag.Name]...)
		if err := bindFlag(flags, flag, lookup, names); err != nil {
			failures = append(failures, err)
		}
	})
	return errors.Join(failures...)
}

// variableOf returns the variable of a flag: max-concurrent is AWO_MAX_CONCURRENT.
func variableOf(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// bindFlag sets the flag from the first of the variables that is not empty; the first name is our own.
func bindFlag(flags *pflag.FlagSet, flag *pflag.Flag, lookup func(string) (string, bool), names []string) error {
	for i, name := range names {
		value, _ := lookup(name)
		if value == "" {
			continue
		}
		setting, hint := value, ""
		if i > 0 && flag.Value.Type() == "duration" {
			setting, hint = inSeconds(value), "; a plain number is in seconds"
		}
		if err := flags.Set(flag.Name, setting); err != nil {
			return fmt.Errorf("%w%s", badVariable(name, value, flag, err), hint)
		}
		return nil
	}
	return nil
}

// inSeconds turns a plain number into a duration.
func inSeconds(value string) string {
	if _, err := strconv.ParseUint(value, 10, 32); err == nil {
		return value + "s"
	}
	return value
}

// badVariable says which variable is wrong and what it may be.
func badVariable(name, value string, flag *pflag.Flag, err error) error {
	if expected := expectation(flag.Value.Type()); expected != "" {
		return fmt.Errorf("%s: %q is not %s", name, value, expected)
	}
	// A flag of a type of its own says itself what it allows.
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		err = invalid.Unwrap()
	}
	return fmt.Errorf("%s: %q: %w", name, value, err)
}

// expectation describes the values of pflag's own types.
func expectation(flagType string) string {
	switch flagType {
	case "bool":
		return "true or false"
	case "int", "int32", "int64":
		return "a whole number"
	case "uint", "uint16", "uint32", "uint64":
		return "a whole number of 0 or more"
	case "float64":
		return "a number"
	}
	return ""
}

// secretFromEnvironment returns the secret that the first set of the names holds: NAME itself, or the content
// of the file that NAME_FILE names, without the newline at its end. It is empty when none is set. Both NAME
// and NAME_FILE is an error, because nobody could tell which one was meant; so is an unreadable or empty file.
func secretFromEnvironment(lookup func(string) (string, bool), names ...string) (string, error) {
	for _, name := range names {
		value, _ := lookup(name)
		file, _ := lookup(name + "_FILE")
		switch {
		case value != "" && file != "":
			return "", fmt.Errorf("%s and %s_FILE are both set: unset one of them", name, name)
		case value != "":
			return value, nil
		case file != "":
			return readSecret(name+"_FILE", file)
		}
	}
	return "", nil
}

// readSecret reads the secret in a file.
func readSecret(variable, file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w; %s", variable, err, secretAdvice(variable, file, err))
	}
	secret := strings.TrimRight(string(data), "\r\n")
	switch {
	case strings.TrimSpace(secret) == "":
		return "", fmt.Errorf("%s: %s is empty; write the secret into it or unset %s", variable, file, variable)
	case strings.ContainsAny(secret, "\r\n\x00"):
		return "", fmt.Errorf("%s: %s has more than one line; it must hold the secret alone", variable, file)
	}
	return secret, nil
}

// secretAdvice says how the file of a secret comes to be readable.
func secretAdvice(variable, file string, err error) string {
	var st unix.Stat_t
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "mount the secret there, or unset " + variable
	case errors.Is(err, unix.EISDIR):
		return "Docker makes a directory where the file to mount is missing: remove it, make the file on the host and start anew"
	case errors.Is(err, fs.ErrPermission) && unix.Stat(file, &st) == nil:
		return fmt.Sprintf("it belongs to %d:%d (mode %#o), this process runs as %d:%d: let that user read it, as by chown %d %s",
			st.Uid, st.Gid, st.Mode&0o777, os.Geteuid(), os.Getegid(), os.Geteuid(), file)
	}
	return "name a file that can be read, or unset " + variable
}

// secretNames are the variables that hold secrets, or with _FILE at their end name files that do.
var secretNames = []string{"GITHUB_TOKEN", "GH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"}

// secretFiles lists the files that hold secrets, as absolute paths.
func secretFiles(lookup func(string) (string, bool)) []string {
	var files []string
	for _, name := range secretNames {
		file, _ := lookup(name + "_FILE")
		if file == "" {
			continue
		}
		// A relative one lies below the working directory, which can be found as long as the process can do anything.
		if absolute, err := filepath.Abs(file); err == nil {
			files = append(files, absolute)
		}
	}
	return files
}
