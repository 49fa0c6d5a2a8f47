printf "\020\000\000\000\000\000\000\000{\"__metadata__\":{}}" > w.safetensors; ptm run w.safetensors
