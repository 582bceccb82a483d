package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/agent-work-orders/awo/controller/store"
)

// scale looks at a controller with nothing to do: empty, and with many orders that have ended.
func scale(ctx context.Context, s settings) ([]row, error) {
	rows, err := atRest(ctx, s.in("empty"), 0)
	if err != nil {
		return nil, err
	}
	more, err := atRest(ctx, s.in("full"), s.manifests)
	return append(rows, more...), err
}

// atRest starts a controller beside that many finished orders and measures it. With orders it measures the
// latency of a drop among them, too.
func atRest(ctx context.Context, s settings, orders int) (rows []row, err error) {
	dataDir := filepath.Join(s.dir, "data")
	repo, err := repository(ctx, s.dir, "small.git", 20)
	if err == nil && orders > 0 {
		err = finishOrders(ctx, s, dataDir, repo, orders)
	}
	if err != nil {
		return nil, err
	}
	c, err := startController(ctx, s, dataDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()

	beside, memory := fmt.Sprintf(", %d finished orders", orders), "under 150 MB"
	if orders == 0 {
		beside, memory = ", no orders", "under 50 MB"
	}
	rows = append(rows, row{"start until /readyz answers 200" + beside, milliseconds(c.ready), "under 2 s"})
	if err := wait(ctx, s.settle); err != nil {
		return rows, err
	}
	idle, err := idlePercent(ctx, c.cmd.Process.Pid, s.idle)
	if err != nil {
		return rows, err
	}
	resident, err := residentMiB(c.cmd.Process.Pid)
	if err != nil {
		return rows, err
	}
	rows = append(rows,
		row{"resident memory of the controller" + beside, fmt.Sprintf("%.1f MiB", resident), memory},
		row{fmt.Sprintf("idle CPU over %d s%s", s.idle, beside), fmt.Sprintf("%.2f %%", idle), "under 0.5 %"})
	if orders == 0 {
		return rows, nil
	}
	r, err := latency(ctx, s, c, repo, fmt.Sprint(orders))
	return append(rows, r), err
}

// seed is the name of the order that is really run; the others are its copies.
const seed = "finished-seed"

// finishOrders fills a data directory: one order is run, and what is left of it copied under other names.
func finishOrders(ctx context.Context, s settings, dataDir, repo string, orders int) error {
	c, err := startController(ctx, s, dataDir)
	if err != nil {
		return err
	}
	path, _, err := c.drop(seed, manifest(seed, repo, noopAgent))
	if err == nil {
		_, err = waitPhase(ctx, path, succeeded)
	}
	if err := errors.Join(err, c.stop()); err != nil {
		return err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot read the finished order: %w", err)
	}
	return copyOrders(dataDir, file, orders-1)
}

// copyOrders writes records and manifests as the controller would have left them.
func copyOrders(dataDir string, file []byte, orders int) error {
	opened, err := store.Open(store.Options{DataDir: dataDir})
	if err != nil {
		return fmt.Errorf("cannot open the data directory: %w", err)
	}
	original, err := opened.Current(seed)
	if err != nil || original == nil {
		return errors.Join(errors.New("cannot find the record of the finished order"), err)
	}
	numbers := make(chan int)
	failures := make(chan error, runtime.NumCPU()*4)
	var workers sync.WaitGroup
	for range runtime.NumCPU() * 4 { // they wait for the disk
		workers.Go(func() {
			var failed error
			for n := range numbers {
				if failed == nil {
					failed = copyOrder(opened, dataDir, original, file, n)
				}
			}
			failures <- failed
		})
	}
	for n := range orders {
		numbers <- n
	}
	close(numbers)
	workers.Wait()
	close(failures)
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	return err
}

// copyOrder puts another name and another id wherever the finished order names itself.
func copyOrder(opened *store.Store, dataDir string, original *store.Record, file []byte, n int) error {
	id, err := opened.NewID()
	if err != nil {
		return fmt.Errorf("cannot make an id: %w", err)
	}
	name := fmt.Sprintf("finished-%d", n)
	rename := func(data []byte) []byte {
		data = bytes.ReplaceAll(data, []byte(seed), []byte(name))
		return bytes.ReplaceAll(data, []byte(original.ID[len("wo-"):]), []byte(id[len("wo-"):]))
	}
	data, err := json.Marshal(original)
	if err != nil {
		return fmt.Errorf("cannot copy the record: %w", err)
	}
	record := &store.Record{}
	if err := json.Unmarshal(rename(data), record); err != nil {
		return fmt.Errorf("cannot copy the record: %w", err)
	}
	if err := opened.Create(record); err != nil {
		return fmt.Errorf("cannot write a record: %w", err)
	}
	path := filepath.Join(dataDir, "workorders", name+".yaml")
	if err := os.WriteFile(path, rename(file), 0o644); err != nil {
		return fmt.Errorf("cannot write a manifest: %w", err)
	}
	return nil
}
