$PTM strip-unused-ops $FIX/conv.pt --input-shape 1,3,8,8 | sed "s/\(avx512\|avx2\|neon\|c\)  *f32/ISA  f32/" | grep -v "^kernels"
