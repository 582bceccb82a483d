package v1alpha1

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Limits of a spec.
const (
	// maxNameLength bounds the name in characters, so that branches and paths made from it stay valid.
	maxNameLength = 63
	// maxRequestLength is in bytes.
	maxRequestLength = 2 << 20
	// maxTitleLength is in characters.
	maxTitleLength = 256
	// maxRetryLimit bounds the attempts of a phase.
	maxRetryLimit = 100
	// shownLength is how much of a bad value a message repeats, in bytes.
	shownLength = 100
)

// Validate reports what decodes but cannot be carried out, every problem of it. A message says what is allowed
// and never repeats a URL, which could hold a secret. It looks at the file system where the repository is a path.
func Validate(o *WorkOrder, p Policy) field.ErrorList {
	spec := field.NewPath("spec")
	var errs field.ErrorList
	errs = append(errs, validateMetadata(o, field.NewPath("metadata"))...)
	errs = append(errs, validateRepository(&o.Spec.Repository, p, spec.Child("repository"))...)
	errs = append(errs, validateRequest(o.Spec.Request, spec.Child("request"))...)
	errs = append(errs, validatePhases(o.Spec.Phases, spec.Child("phases"))...)
	errs = append(errs, validateAgent(&o.Spec.Agent, spec.Child("agent"))...)
	errs = append(errs, validatePullRequest(&o.Spec.PullRequest, spec.Child("pullRequest"))...)
	errs = append(errs, validateTimeouts(&o.Spec.Timeouts, spec.Child("timeouts"))...)
	errs = append(errs, p.refuse(&o.Spec, spec)...)
	if r := o.Spec.RetryLimit; r != nil && (*r < 0 || *r > maxRetryLimit) {
		errs = append(errs, field.Invalid(spec.Child("retryLimit"), *r, fmt.Sprintf("must be 0 to %d", maxRetryLimit)))
	}
	return errs
}

// validateMetadata checks what a Kubernetes API server would check, and the length of the name.
func validateMetadata(o *WorkOrder, at *field.Path) field.ErrorList {
	errs := validateName(o.Name, at.Child("name"))
	if o.Namespace != "" {
		for _, msg := range validation.IsDNS1123Label(o.Namespace) {
			errs = append(errs, field.Invalid(at.Child("namespace"), shown(o.Namespace), msg))
		}
	}
	for _, k := range sortedKeys(o.Labels) {
		for _, msg := range validation.IsQualifiedName(k) {
			errs = append(errs, field.Invalid(at.Child("labels").Key(k), shown(k), msg))
		}
		for _, msg := range validation.IsValidLabelValue(o.Labels[k]) {
			errs = append(errs, field.Invalid(at.Child("labels").Key(k), shown(o.Labels[k]), msg))
		}
	}
	for _, k := range sortedKeys(o.Annotations) {
		for _, msg := range validation.IsQualifiedName(strings.ToLower(k)) {
			errs = append(errs, field.Invalid(at.Child("annotations").Key(k), shown(k), msg))
		}
	}
	return errs
}

// validateName checks the identity of the order.
func validateName(name string, at *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(at, "the name is the identity of the order, such as add-readme")}
	}
	var errs field.ErrorList
	if len(name) > maxNameLength {
		errs = append(errs, field.Invalid(at, shown(name), fmt.Sprintf(
			"must have at most %d characters, it has %d; the branch and paths are made from it", maxNameLength, len(name))))
	}
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		errs = append(errs, field.Invalid(at, shown(name),
			"must consist of lower case letters, digits, - and ., and begin and end with a letter or digit, such as add-readme"))
	}
	return errs
}

// validateRepository checks the address and the branches.
func validateRepository(r *Repository, p Policy, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if err := CheckRepositoryURL(r.URL, p); err != nil {
		// The value is left out: an address that is refused for its credentials must not be shown.
		errs = append(errs, field.Invalid(at.Child("url"), field.OmitValueType{}, err.Error()))
	}
	errs = append(errs, validateBranch(r.BaseBranch, at.Child("baseBranch"))...)
	errs = append(errs, validateBranch(r.Branch, at.Child("branch"))...)
	if r.Branch != "" && r.Branch == r.BaseBranch {
		errs = append(errs, field.Invalid(at.Child("branch"), shown(r.Branch),
			"must not be the baseBranch; name another branch or leave it out"))
	}
	if r.Clone != "" && r.Clone != CloneShared && r.Clone != CloneFull {
		errs = append(errs, field.NotSupported(at.Child("clone"), CloneMode(shown(string(r.Clone))), []CloneMode{CloneShared, CloneFull}))
	}
	return errs
}

// validateBranch checks the name of a branch where one is written.
func validateBranch(name string, at *field.Path) field.ErrorList {
	if name == "" {
		return nil
	}
	if err := CheckBranch(name); err != nil {
		return field.ErrorList{field.Invalid(at, shown(name), "as the name of a branch "+err.Error())}
	}
	return nil
}

// validateRequest checks what is handed to the agent. It is never repeated, it may be a book.
func validateRequest(request string, at *field.Path) field.ErrorList {
	switch {
	case strings.TrimSpace(request) == "":
		return field.ErrorList{field.Required(at, "say in words what to do")}
	case len(request) > maxRequestLength:
		return field.ErrorList{field.Invalid(at, field.OmitValueType{},
			fmt.Sprintf("must have at most %d bytes (2 MiB), it has %d", maxRequestLength, len(request)))}
	case strings.ContainsRune(request, 0):
		return field.ErrorList{field.Invalid(at, field.OmitValueType{}, "must not contain a NUL character")}
	}
	return nil
}

// validatePhases checks that the phases are a subset in the right order.
func validatePhases(phases []Phase, at *field.Path) field.ErrorList {
	allowed := DefaultPhases()
	var errs field.ErrorList
	last := -1
	for i, phase := range phases {
		place := slices.Index(allowed, phase)
		switch {
		case place < 0:
			errs = append(errs, field.NotSupported(at.Index(i), Phase(shown(string(phase))), allowed))
		case slices.Contains(phases[:i], phase):
			errs = append(errs, field.Duplicate(at.Index(i), phase))
		case place < last:
			errs = append(errs, field.Invalid(at.Index(i), phase, "must stand in this order: Planning, Implementing, PR"))
		default:
			last = place
		}
	}
	if i := slices.Index(phases, PhasePR); i >= 0 && !slices.Contains(phases, PhaseImplementing) {
		errs = append(errs, field.Invalid(at.Index(i), PhasePR, "needs Implementing; add it before PR, or leave PR out"))
	}
	return errs
}

// CheckRepositoryURL tells why a repository cannot be used under a policy; nil when it can.
func CheckRepositoryURL(raw string, p Policy) error {
	u, err := ParseRepositoryURL(raw)
	if err != nil {
		return err
	}
	switch {
	case u.Scheme == SchemeHTTP && !HostAllowed(u.Host, p.AllowHTTPHosts):
		return errors.New("http is allowed only for hosts in AWO_ALLOW_HTTP_HOSTS; use https, or add the host there")
	case u.Scheme != SchemeFile:
		return nil
	case !p.AllowFileRepositories:
		return errors.New("repositories in the file system are not allowed here; use https, or start the controller with --allow-file-repositories")
	}
	return outsideDataDir(u.Path, p.DataDir)
}

// HostAllowed tells whether a host is in a list: as HOST:PORT, or as HOST for whatever port.
func HostAllowed(host string, allowed []string) bool {
	name := host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name = host[:i]
	}
	return slices.ContainsFunc(allowed, func(a string) bool {
		return strings.EqualFold(a, host) || strings.EqualFold(a, name)
	})
}

// hidden tells whether a text has characters that do not show or break a line.
func hidden(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
	})
}

// shown cuts a value for a message.
func shown(s string) string {
	if len(s) <= shownLength {
		return s
	}
	return strings.ToValidUTF8(s[:shownLength], "") + "..."
}

// sortedKeys gives the messages about a map a stable order.
func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
