import{a,b,c,d,e}from"./chunk-EBPN3NFS.js";import"./chunk-Q3ZOG3HU.js";export{e as clear,a as pushState,d as resume,c as switchOff,b as switchOn};
