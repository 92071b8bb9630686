import{a,b,c,d,e}from"./chunk-4VJIVTKM.js";import"./chunk-ZJQYFS4K.js";export{e as clear,a as pushState,d as resume,c as switchOff,b as switchOn};
