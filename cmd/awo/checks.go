package main

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// hostPattern is a name of a host, as DNS knows it.
var hostPattern = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)

// checkHost refuses what is no host, or host with port.
func checkHost(word string) error {
	if _, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil {
		return nil
	}
	host, port := word, ""
	if i := strings.LastIndexByte(word, ':'); i >= 0 {
		host, port = word[:i], word[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return notAHost(word)
		}
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil && !hostPattern.MatchString(host) {
		return notAHost(word)
	}
	return nil
}

func notAHost(word string) error {
	return fmt.Errorf("%q is no host; write a host or host:port, such as github.com", word)
}

// checkBindAddress refuses what would first have to be looked up.
func checkBindAddress(word string) error {
	if _, err := netip.ParseAddr(word); err != nil && word != "localhost" {
		return errors.New("it must be an address such as 127.0.0.1, ::1 or 0.0.0.0")
	}
	return nil
}

// crud is what git strips from the ends of a name or address; of these alone there may be no name.
const crud = ".,:;<>\"\\'"

// checkAuthorName refuses what git would not take, or change, when the first commit is made.
func checkAuthorName(word string) error {
	if strings.ContainsFunc(word, unicode.IsControl) || strings.ContainsAny(word, "<>") {
		return errors.New("it must be a name without <, > and line breaks")
	}
	if strings.Trim(word, crud+" ") == "" {
		return errors.New("it must hold a letter or a digit")
	}
	return nil
}

// checkAuthorEmail is the like for an address.
func checkAuthorEmail(word string) error {
	if strings.ContainsFunc(word, unicode.IsControl) || strings.ContainsAny(word, "<> ") || strings.Trim(word, crud) == "" {
		return errors.New("it must be an address without blanks, < and >, such as awo@example.com")
	}
	return nil
}

// checkModel refuses what claude would take for an option.
func checkModel(word string) error {
	if strings.HasPrefix(word, "-") || strings.ContainsFunc(word, unicode.IsSpace) {
		return errors.New("it must be the name of a model, such as sonnet")
	}
	return nil
}

var variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkAgentVariable refuses what is no variable, and what no agent gets.
func checkAgentVariable(word string) error {
	if !variablePattern.MatchString(word) {
		return fmt.Errorf("%q is no name of a variable", word)
	}
	if slices.Contains([]string{"GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"}, strings.TrimSuffix(word, "_FILE")) {
		return fmt.Errorf("agents never get %s", word)
	}
	return nil
}
