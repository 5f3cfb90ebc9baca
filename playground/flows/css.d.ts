// What the bundler makes of a style sheet: a file beside the page.
declare module "*.css";
