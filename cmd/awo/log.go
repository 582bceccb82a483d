package main

import (
	"fmt"
	"io"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/volume"
)

// Bounds of logs/controller.log: megabytes a file, and files kept.
const (
	logMegabytes = 20
	logBackups   = 5
)

// levels maps the words of --log-level to zap's levels; logr's V(1) is zap's -1.
var levels = map[string]zapcore.Level{
	"error": zapcore.ErrorLevel, "warn": zapcore.WarnLevel, "warning": zapcore.WarnLevel,
	"info": zapcore.InfoLevel, "debug": zapcore.DebugLevel, "trace": zapcore.Level(-2),
}

// newControllerLog logs JSON lines to out and to logs/controller.log of the data directory, which rotates. Secrets
// are blackened in both. The function returned closes the file.
func newControllerLog(out io.Writer, dataDir, level string, redactor *process.Redactor) (logr.Logger, func(), error) {
	layout, err := volume.Prepare(dataDir)
	if err != nil {
		return logr.Discard(), nil, fmt.Errorf("the data directory %s cannot be used: %w", dataDir, err)
	}
	file := &lumberjack.Logger{
		Filename: layout.ControllerLog(), MaxSize: logMegabytes, MaxBackups: logBackups,
	}
	sink := zapcore.NewMultiWriteSyncer(
		zapcore.Lock(zapcore.AddSync(redacting{out, redactor})), zapcore.AddSync(redacting{file, redactor}))
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	core := zapcore.NewCore(zapcore.NewJSONEncoder(encoding), sink, levels[level])
	return zapr.NewLogger(zap.New(core)), func() { _ = file.Close() }, nil
}

// redacting blackens secrets in each line that passes.
type redacting struct {
	io.Writer
	redactor *process.Redactor
}

func (r redacting) Write(line []byte) (int, error) {
	if _, err := r.Writer.Write(r.redactor.Bytes(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}
