ptm kernels --cpu c --json - | tr -d '\n\t' | grep -oE '"schema":"[^"]*"|"cpu":\[[^]]*\]|\{"name":"gemm_f32","isa":"c"[^}]*\}'
