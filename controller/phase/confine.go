package phase

import (
	"errors"

	"github.com/agent-work-orders/awo/controller/store"
)

// confine makes sure that an agent may be started now. Why not is recorded, for the condition.
func (r *Runner) confine(id string) error {
	c, refused := r.Settings.Confinement()
	if refused == nil {
		return nil
	}
	_, err := r.Records.Update(id, func(rec *store.Record) error {
		rec.Confinement = &c
		return nil
	})
	return errors.Join(refused, err)
}

// recordConfinement records how an agent is confined that runs or ran until now. What it could reach may have come to be
// after its start.
func (r *Runner) recordConfinement(rec *store.Record) {
	c, _ := r.Settings.Confinement()
	rec.Confinement = &c
}
