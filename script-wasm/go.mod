module trueup.dev/script-wasm

go 1.26.0

toolchain go1.26.8

require (
	github.com/itchyny/gojq v0.12.19
	github.com/yuin/gopher-lua v1.1.2
	layeh.com/gopher-json v0.0.0-20190114024228-97fed8db8427
)

require github.com/itchyny/timefmt-go v0.1.8 // indirect
