package workorder

import (
	"reflect"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// observe takes a changed spec into the record: whole while no phase has begun and after the run's end, when it is the
// same work or the run would be another, and in between only the fields that may change during a run, if the spec is
// valid. Of the rest, refused tells.
func observe(r *store.Record, spec *v1alpha1.WorkOrderSpec, valid bool) {
	r.SpecHash = spec.SpecHash()
	r.Status.ObservedGeneration++
	switch {
	case untouched(r), valid && r.End != nil:
		r.Spec = *spec.DeepCopy()
	case valid:
		r.Spec = changeable(&r.Spec, spec)
	default:
		// The run goes on with what it began with; it can still be stopped.
		r.Spec.Suspend, r.Spec.Cancel = spec.Suspend, spec.Cancel
	}
}

// adopt takes the spec of the same work into the record of a run that is taken up again: what was refused while it ran,
// such as a higher maxTurns, may be why.
func adopt(r *store.Record, spec *v1alpha1.WorkOrderSpec, valid bool) {
	if r.SpecHash != spec.SpecHash() {
		observe(r, spec, valid)
	}
	if valid {
		r.Spec = *spec.DeepCopy()
	}
}

// changeable is the running spec with those fields of the new one that may change during a run.
func changeable(running, wanted *v1alpha1.WorkOrderSpec) v1alpha1.WorkOrderSpec {
	out, in := *running.DeepCopy(), wanted.DeepCopy()
	out.Suspend, out.Cancel = in.Suspend, in.Cancel
	out.Timeouts, out.RetryLimit = in.Timeouts, in.RetryLimit
	out.Agent.MaxBudgetUSD = in.Agent.MaxBudgetUSD
	return out
}

// Refusal says what of a wanted spec will not be done, because a run is under way that works with something else; empty
// for nothing.
func Refusal(r *store.Record, wanted *v1alpha1.WorkOrderSpec) string {
	fields := refused(r, wanted)
	if len(fields) == 0 {
		return ""
	}
	return refusal(r, fields)
}

// refused names the fields in which the manifest asks for something else than the run works with. After its end that
// stands for as long as the manifest is the refused one and asks for other work, which nobody will do without a word.
func refused(r *store.Record, wanted *v1alpha1.WorkOrderSpec) []string {
	answered := r.SpecHash != wanted.SpecHash() || r.RunHash() == wanted.RunHash()
	if untouched(r) || r.End != nil && answered {
		return nil
	}
	allowed := changeable(&r.Spec, wanted)
	if allowed.SpecHash() == wanted.SpecHash() {
		return nil
	}
	return differences("spec", reflect.ValueOf(allowed), reflect.ValueOf(*wanted))
}

// differences lists the paths of the fields in which two values of one struct type differ.
func differences(path string, a, b reflect.Value) []string {
	var out []string
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		x, y := a.Field(i), b.Field(i)
		switch {
		case reflect.DeepEqual(x.Interface(), y.Interface()):
		case x.Kind() == reflect.Struct:
			out = append(out, differences(path+"."+name, x, y)...)
		default:
			out = append(out, path+"."+name)
		}
	}
	return out
}
