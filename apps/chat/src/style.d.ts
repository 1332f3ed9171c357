/** A stylesheet, imported for its effect; Vite makes it a file. */
declare module "*.css";
