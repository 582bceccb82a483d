package v1alpha1

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Limits of how the work is done.
const (
	// maxModelLength is in bytes.
	maxModelLength = 200
	// maxListLength bounds labels, reviewers and the command.
	maxListLength = 100
	// maxEntryLength is the longest label or reviewer in bytes.
	maxEntryLength = 256
	// maxDuration is the longest timeout, a week.
	maxDuration = 168 * time.Hour
)

var budgetPattern = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,6})?$`)

// validateAgent checks type, command and limits.
func validateAgent(a *Agent, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if a.Type != "" && a.Type != AgentClaude && a.Type != AgentCommand {
		errs = append(errs, field.NotSupported(at.Child("type"), AgentType(shown(string(a.Type))), []AgentType{AgentClaude, AgentCommand}))
	} else {
		errs = append(errs, validateCommand(a, at.Child("command"))...)
	}
	if err := checkModel(a.Model); err != nil {
		errs = append(errs, field.Invalid(at.Child("model"), shown(a.Model), err.Error()))
	}
	if a.MaxTurns != nil && *a.MaxTurns < 1 {
		errs = append(errs, field.Invalid(at.Child("maxTurns"), *a.MaxTurns, "must be 1 or more; leave it out for no limit"))
	}
	if !positiveBudget(a.MaxBudgetUSD) {
		errs = append(errs, field.Invalid(at.Child("maxBudgetUSD"), shown(a.MaxBudgetUSD.String()),
			`must be more than 0, as an integer such as 5 or a decimal string such as "2.50"; leave it out for no limit`))
	}
	return errs
}

// validateCommand checks that a command is there exactly when it is used.
func validateCommand(a *Agent, at *field.Path) field.ErrorList {
	switch {
	case a.Type != AgentCommand && len(a.Command) > 0:
		return field.ErrorList{field.Forbidden(at, "is only for type command; set agent.type to command or remove it")}
	case a.Type != AgentCommand:
		return nil
	case len(a.Command) == 0:
		return field.ErrorList{field.Required(at, "type command needs the program and its arguments, such as [./agent.sh]")}
	case len(a.Command) > maxListLength:
		return field.ErrorList{field.TooMany(at, len(a.Command), maxListLength)}
	case strings.TrimSpace(a.Command[0]) == "":
		return field.ErrorList{field.Invalid(at.Index(0), a.Command[0], "must be the program, such as ./agent.sh")}
	}
	for i, arg := range a.Command {
		if strings.ContainsRune(arg, 0) {
			return field.ErrorList{field.Invalid(at.Index(i), field.OmitValueType{}, "must not contain a NUL character")}
		}
	}
	return nil
}

// checkModel refuses what would not be one plain argument. The empty model is the default.
func checkModel(model string) error {
	switch {
	case strings.HasPrefix(model, "-"):
		return errors.New("must be the name of a model such as sonnet, without a dash at its beginning")
	case len(model) > maxModelLength:
		return fmt.Errorf("must have at most %d bytes", maxModelLength)
	case hidden(model) || strings.ContainsFunc(model, unicode.IsSpace):
		return errors.New("must be the name of a model such as sonnet, without whitespace or control characters")
	}
	return nil
}

// positiveBudget tells whether a budget, if there is one, is a plain number above 0.
func positiveBudget(b *intstr.IntOrString) bool {
	if b == nil {
		return true
	}
	if b.Type == intstr.Int {
		return b.IntVal > 0
	}
	return budgetPattern.MatchString(b.StrVal) && strings.ContainsAny(b.StrVal, "123456789")
}

// validatePullRequest checks what is handed to the forge.
func validatePullRequest(p *PullRequestSpec, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if utf8.RuneCountInString(p.Title) > maxTitleLength {
		errs = append(errs, field.Invalid(at.Child("title"), shown(p.Title), fmt.Sprintf("must have at most %d characters", maxTitleLength)))
	}
	if hidden(p.Title) || (p.Title != "" && strings.TrimSpace(p.Title) == "") {
		errs = append(errs, field.Invalid(at.Child("title"), shown(p.Title), "must be a single line of text without control characters; leave it out for the first line of the request"))
	}
	errs = append(errs, validateEntries(p.Labels, at.Child("labels"), checkEntry)...)
	return append(errs, validateEntries(p.Reviewers, at.Child("reviewers"), checkReviewer)...)
}

// validateEntries checks the entries of a list that a program takes as arguments.
func validateEntries(list []string, at *field.Path, check func(string) error) field.ErrorList {
	if len(list) > maxListLength {
		return field.ErrorList{field.TooMany(at, len(list), maxListLength)}
	}
	var errs field.ErrorList
	for i, entry := range list {
		if err := check(entry); err != nil {
			errs = append(errs, field.Invalid(at.Index(i), shown(entry), err.Error()))
		} else if slices.Contains(list[:i], entry) {
			errs = append(errs, field.Duplicate(at.Index(i), shown(entry)))
		}
	}
	return errs
}

// checkEntry refuses what a list separated by commas could not carry or a program would take for an option.
func checkEntry(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return errors.New("must not be empty")
	case s != strings.TrimSpace(s):
		return errors.New("must not begin or end with a space")
	case len(s) > maxEntryLength:
		return fmt.Errorf("must have at most %d bytes", maxEntryLength)
	case strings.HasPrefix(s, "-"):
		return errors.New("must not begin with a dash")
	case strings.Contains(s, ","):
		return errors.New("must not contain a comma; write one entry for each")
	case hidden(s):
		return errors.New("must not contain control characters")
	}
	return nil
}

// checkReviewer adds that the name of a user or team has no space.
func checkReviewer(s string) error {
	if err := checkEntry(s); err != nil {
		return err
	}
	if strings.ContainsFunc(s, unicode.IsSpace) {
		return errors.New("must be a user or a team (ORG/TEAM), without a space")
	}
	return nil
}

// validateTimeouts checks the durations.
func validateTimeouts(t *Timeouts, at *field.Path) field.ErrorList {
	errs := validateDuration(t.Phase, at.Child("phase"))
	return append(errs, validateDuration(t.Idle, at.Child("idle"))...)
}

// validateDuration checks a duration where one is written.
func validateDuration(d Duration, at *field.Path) field.ErrorList {
	if d == "" {
		return nil
	}
	v, err := time.ParseDuration(string(d))
	if err != nil || v <= 0 || v > maxDuration {
		return field.ErrorList{field.Invalid(at, shown(string(d)),
			"must be a duration above 0 and at most 168h, written like 90s, 10m or 1h30m")}
	}
	return nil
}
