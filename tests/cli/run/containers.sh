C=$FIX/containers.pt; ptm run $C -i [1.0,2.0]; ptm run $C -i [1.0,2.0] -m nested -o out; ptm run $C -i [1.0,2.0] -m named; ls out; cat out/outputs.json
